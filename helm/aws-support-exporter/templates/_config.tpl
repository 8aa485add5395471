{{- define "aws-support-exporter.configName" -}}
{{- .Values.existingConfigMap | default .Values.existingConfigSecret | default (include "aws-support-exporter.fullname" .) -}}
{{- end -}}

{{/* The kind of object that the configuration is in; nothing when there is no configuration. */}}
{{- define "aws-support-exporter.configKind" -}}
{{- if or .Values.existingConfigSecret (and .Values.config .Values.configInSecret) -}}Secret
{{- else if or .Values.existingConfigMap .Values.config -}}ConfigMap
{{- end -}}
{{- end -}}

{{/* The volume of the configuration; its directory is mounted, as a mounted file would never change. */}}
{{- define "aws-support-exporter.configVolume" -}}
{{- $kind := include "aws-support-exporter.configKind" . -}}
- name: config
  {{- if eq $kind "Secret" }}
  secret:
    secretName: {{ include "aws-support-exporter.configName" . | quote }}
  {{- else }}
  configMap:
    name: {{ include "aws-support-exporter.configName" . | quote }}
  {{- end }}
    defaultMode: 0444
    items:
      - key: {{ .Values.configKey | quote }}
        path: config.yaml
{{- end -}}

{{/* Where a path is served. */}}
{{- define "aws-support-exporter.path" -}}
{{- $root := index . 0 -}}
{{- $prefix := $root.Values.web.routePrefix | default (default "" $root.Values.web.externalUrl | urlParse).path -}}
{{- printf "/%s" (trimAll "/" $prefix) | trimSuffix "/" -}}{{- index . 1 -}}
{{- end -}}

{{- define "aws-support-exporter.scheme" -}}
{{- .Values.web.config.tls | ternary "https" "http" -}}
{{- end -}}
