{{/* Fields of a section that are set, each on a new line, by their own names. Takes the section, then the names. */}}
{{- define "aws-support-exporter.fields" -}}
{{- $section := first . -}}
{{- range $name := rest . -}}
{{- with get $section $name }}
{{ dict $name . | toYaml }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The chart's name, or what replaces it. */}}
{{- define "aws-support-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{/* The name of all objects. 52 characters: a StatefulSet's pods carry it in a label with 11 more, and in a host name of 63. */}}
{{- define "aws-support-exporter.fullname" -}}
{{- $name := include "aws-support-exporter.name" . -}}
{{- $joined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $fullname := default $joined .Values.fullnameOverride -}}
{{- if gt (len $fullname) 52 -}}
{{- fail (printf "the name %s has %d characters, of at most 52: set fullnameOverride" $fullname (len $fullname)) -}}
{{- end -}}
{{- $fullname -}}
{{- end -}}

{{- define "aws-support-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "aws-support-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "aws-support-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "aws-support-exporter.headlessName" -}}
{{- include "aws-support-exporter.fullname" . }}-pods
{{- end -}}

{{- define "aws-support-exporter.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry | default "" -}}
{{- $repository := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (ne $registry "") -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Pull secrets, each written as text or as {name: …}. */}}
{{- define "aws-support-exporter.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.imagePullSecrets) -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- range uniq $names }}
- name: {{ . | quote }}
{{- end -}}
{{- end -}}

{{/* What never changes: selectors are immutable. */}}
{{- define "aws-support-exporter.instanceLabels" -}}
app.kubernetes.io/name: {{ include "aws-support-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* What selects the exporter's pods, and not the one of `helm test`. */}}
{{- define "aws-support-exporter.selectorLabels" -}}
{{ include "aws-support-exporter.instanceLabels" . }}
app.kubernetes.io/component: exporter
{{- end -}}

{{/* What selects the pod of `helm test`. */}}
{{- define "aws-support-exporter.testLabels" -}}
{{ include "aws-support-exporter.instanceLabels" . }}
app.kubernetes.io/component: test
{{- end -}}

{{/* Labels of an object. Takes the root, and more labels that win over the common ones; the chart's own win over all. */}}
{{- define "aws-support-exporter.labels" -}}
{{- $root := index . 0 -}}
{{- $own := fromYaml (include "aws-support-exporter.instanceLabels" $root) -}}
{{- $_ := set $own "app.kubernetes.io/version" (default $root.Chart.AppVersion $root.Values.image.tag | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "aws-support-exporter" -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- merge $own (rest . | last | default dict) (default dict $root.Values.commonLabels) | toYaml -}}
{{- end -}}

{{/* Name, namespace, labels and annotations. Takes root, name, labels, annotations, namespace. */}}
{{- define "aws-support-exporter.metadata" -}}
name: {{ .name | default (include "aws-support-exporter.fullname" .root) | quote }}
namespace: {{ .namespace | default (include "aws-support-exporter.namespace" .root) | quote }}
labels:
  {{- include "aws-support-exporter.labels" (list .root .labels) | nindent 2 }}
{{- with merge dict (default dict .annotations) (default dict .root.Values.commonAnnotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
