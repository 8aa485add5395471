{{/* The command line. */}}
{{- define "aws-support-exporter.args" -}}
- {{ printf "--web.listen-address=:%d" (int .Values.web.port) | quote }}
{{- with .Values.web.externalUrl }}
- {{ printf "--web.external-url=%s" . | quote }}
{{- end }}
{{- with .Values.web.routePrefix }}
- {{ printf "--web.route-prefix=%s" . | quote }}
{{- end }}
{{- if .Values.web.enableLifecycle }}
- "--web.enable-lifecycle"
{{- end }}
{{- if .Values.web.config.existingSecret }}
- "--web.config.file=/etc/aws-support-exporter/web/{{ .Values.web.config.key }}"
{{- end }}
{{- if include "aws-support-exporter.configKind" . }}
- "--config.file=/etc/aws-support-exporter/config/config.yaml"
{{- end }}
{{- if .Values.configAutoReload }}
- "--config.enable-auto-reload"
{{- end }}
{{- if (.Values.sharding).enabled }}
- {{ printf "--shard.statefulset=%s" (include "aws-support-exporter.fullname" .) | quote }}
{{- end }}
{{- if (.Values.persistence).enabled }}
- "--storage.path=/var/lib/aws-support-exporter/state"
{{- end }}
- {{ printf "--log.level=%s" .Values.log.level | quote }}
- {{ printf "--log.format=%s" .Values.log.format | quote }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* A probe. What its own httpGet leaves out is filled in. Takes root, probe, path. */}}
{{- define "aws-support-exporter.probe" -}}
{{- $probe := omit .probe "enabled" -}}
{{- $other := or .probe.tcpSocket .probe.exec .probe.grpc -}}
{{- if or .probe.httpGet (not (or $other .root.Values.web.config.auth)) -}}
{{- $get := dict "path" (include "aws-support-exporter.path" (list .root .path)) "port" "http" -}}
{{- if .root.Values.web.config.tls -}}{{- $_ := set $get "scheme" "HTTPS" -}}{{- end -}}
{{- $_ := set $probe "httpGet" (merge dict (default dict .probe.httpGet) $get) -}}
{{- else if not $other -}}
{{- $_ := set $probe "tcpSocket" (dict "port" "http") -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}

{{/* What a claim of the state's volume asks for. */}}
{{- define "aws-support-exporter.claim" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
resources:
  requests:
    storage: {{ .Values.persistence.size | quote }}
{{- with .Values.persistence.storageClassName }}
storageClassName: {{ eq . "-" | ternary "" . | quote }}
{{- end }}
{{- end -}}

{{/* The pods of a Deployment or StatefulSet. */}}
{{- define "aws-support-exporter.pod" -}}
{{- $annotations := default dict .Values.podAnnotations | deepCopy -}}
{{- if and .Values.config (not .Values.configAutoReload) -}}
{{- /* Over the value: over the rendered object it would change with the chart's version, and restart the pods for nothing. */ -}}
{{- $_ := set $annotations "checksum/config" (toJson .Values.config | sha256sum) -}}
{{- end -}}
metadata:
  labels:
    {{- merge (fromYaml (include "aws-support-exporter.selectorLabels" .)) (default dict .Values.podLabels) (default dict .Values.commonLabels) | toYaml | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "aws-support-exporter.serviceAccountName" . | quote }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: false
  {{- with include "aws-support-exporter.imagePullSecrets" . }}
  imagePullSecrets:
    {{- . | nindent 4 }}
  {{- end }}
  {{- $context := default dict .Values.podSecurityContext }}
  {{- if and (.Values.persistence).enabled (not (.Capabilities.APIVersions.Has "security.openshift.io/v1")) }}
  {{- /* The image's group, or the volume is root's. OpenShift assigns one. */}}
  {{- $context = merge dict $context (dict "fsGroup" 65532 "fsGroupChangePolicy" "OnRootMismatch") }}
  {{- end }}
  {{- with $context }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- include "aws-support-exporter.fields" (list .Values "priorityClassName" "hostAliases" "dnsPolicy" "dnsConfig" "nodeSelector" "tolerations" "affinity") | replace "\n" "\n  " }}
  {{- with .Values.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "aws-support-exporter.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "aws-support-exporter.args" . | nindent 8 }}
      {{- with .Values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ int .Values.web.port }}
          protocol: TCP
      {{- if (.Values.livenessProbe).enabled }}
      livenessProbe:
        {{- include "aws-support-exporter.probe" (dict "root" . "probe" .Values.livenessProbe "path" "/-/healthy") | nindent 8 }}
      {{- end }}
      {{- if (.Values.readinessProbe).enabled }}
      readinessProbe:
        {{- include "aws-support-exporter.probe" (dict "root" . "probe" .Values.readinessProbe "path" "/-/ready") | nindent 8 }}
      {{- end }}
      {{- include "aws-support-exporter.fields" (list .Values "resources" "securityContext") | replace "\n" "\n      " }}
      {{- $configKind := include "aws-support-exporter.configKind" . }}
      {{- if or $configKind .Values.web.config.existingSecret (.Values.persistence).enabled (.Values.sharding).enabled .Values.extraVolumeMounts }}
      volumeMounts:
        {{- if $configKind }}
        - name: config
          mountPath: /etc/aws-support-exporter/config
          readOnly: true
        {{- end }}
        {{- if .Values.web.config.existingSecret }}
        - name: web-config
          mountPath: /etc/aws-support-exporter/web
          readOnly: true
        {{- end }}
        {{- if (.Values.persistence).enabled }}
        - name: state
          mountPath: /var/lib/aws-support-exporter/state
        {{- end }}
        {{- if (.Values.sharding).enabled }}
        - name: kubernetes-api
          mountPath: /var/run/secrets/kubernetes.io/serviceaccount
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $claimed := and (.Values.persistence).enabled (not (.Values.sharding).enabled) }}
  {{- if or $configKind .Values.web.config.existingSecret $claimed (.Values.sharding).enabled .Values.extraVolumes }}
  volumes:
    {{- if $configKind }}
    {{- include "aws-support-exporter.configVolume" . | nindent 4 }}
    {{- end }}
    {{- with .Values.web.config.existingSecret }}
    - name: web-config
      secret:
        secretName: {{ . | quote }}
        defaultMode: 0444
    {{- end }}
    {{- if $claimed }}
    - name: state
      persistentVolumeClaim:
        claimName: {{ .Values.persistence.existingClaim | default (include "aws-support-exporter.fullname" .) | quote }}
    {{- end }}
    {{- if (.Values.sharding).enabled }}
    {{- /* What automountServiceAccountToken mounts, in this container alone. */}}
    - name: kubernetes-api
      projected:
        defaultMode: 0444
        sources:
          - serviceAccountToken:
              path: token
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef:
                    fieldPath: metadata.namespace
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  {{- $selector := dict "labelSelector" (dict "matchLabels" (fromYaml (include "aws-support-exporter.selectorLabels" $))) }}
  topologySpreadConstraints:
    {{- range . }}
    - {{- hasKey . "labelSelector" | ternary dict $selector | merge (deepCopy .) | toYaml | nindent 6 }}
    {{- end }}
  {{- end }}
{{- end -}}
