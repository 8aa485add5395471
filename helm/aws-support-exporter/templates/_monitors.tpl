{{/* What the endpoints of ServiceMonitor, PodMonitor and VMServiceScrape share. Takes root, section. */}}
{{- define "aws-support-exporter.endpoint" -}}
port: http
path: {{ include "aws-support-exporter.path" (list .root .root.Values.web.telemetryPath) | quote }}
scheme: {{ include "aws-support-exporter.scheme" . }}
{{- with .section.interval }}
interval: {{ . | quote }}
{{- end }}
{{- with .section.scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
{{- if .section.honorLabels }}
honorLabels: true
{{- end }}
{{- range $key := list "tlsConfig" "basicAuth" "relabelings" "metricRelabelings" "relabelConfigs" "metricRelabelConfigs" }}
{{- with get $.section $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "aws-support-exporter.scheme" -}}
{{- .section.scheme | default (.root.Values.web.config.tls | ternary "https" "http") -}}
{{- end -}}

{{/* What selects the Service that is scraped, and not the one that names the pods. */}}
{{- define "aws-support-exporter.monitoredService" -}}
namespaceSelector:
  matchNames:
    - {{ include "aws-support-exporter.namespace" . | quote }}
selector:
  matchLabels:
    {{- include "aws-support-exporter.instanceLabels" . | nindent 4 }}
    app.kubernetes.io/component: metrics
{{- end -}}

{{/* Labels of targets that are kept from Service and pod, and how much a target may have. Takes a section. */}}
{{- define "aws-support-exporter.targets" -}}
{{- with .sampleLimit }}
sampleLimit: {{ int . }}
{{- end }}
{{- with .jobLabel }}
jobLabel: {{ . | quote }}
{{- end }}
{{- with .targetLabels }}
targetLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .podTargetLabels }}
podTargetLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where each exporter is reached, as a YAML list of host:port: by its pod when sharded, by the Service when there is one. */}}
{{- define "aws-support-exporter.hosts" -}}
{{- $name := include "aws-support-exporter.fullname" . -}}
{{- $namespace := include "aws-support-exporter.namespace" . -}}
{{- if .Values.sharding.enabled -}}
{{- range $index := until (int .Values.sharding.replicas) }}
- {{ printf "%s-%d.%s.%s.svc:%d" $name $index (include "aws-support-exporter.headlessName" $) $namespace (int $.Values.web.port) }}
{{- end -}}
{{- else -}}
- {{ printf "%s.%s.svc:%d" $name $namespace (int .Values.service.port) }}
{{- end -}}
{{- end -}}
