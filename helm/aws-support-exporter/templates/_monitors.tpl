{{/* What the endpoints of ServiceMonitor, PodMonitor and VMServiceScrape share. Takes root, section. */}}
{{- define "aws-support-exporter.endpoint" -}}
{{- if and .section.interval .section.scrapeTimeout (gt (include "aws-support-exporter.seconds" .section.scrapeTimeout | float64) (include "aws-support-exporter.seconds" .section.interval | float64)) -}}
{{- fail "scrapeTimeout is longer than interval: Prometheus would not scrape the exporter at all" -}}
{{- end -}}
port: http
path: {{ include "aws-support-exporter.path" (list .root "/metrics") | quote }}
scheme: {{ .section.scheme | default (include "aws-support-exporter.scheme" .root) }}
{{- include "aws-support-exporter.fields" (list .section "interval" "scrapeTimeout" "honorLabels" "authorization" "basicAuth" "tlsConfig" "relabelings" "metricRelabelings" "relabelConfigs" "metricRelabelConfigs") }}
{{- end -}}

{{/* What else their specs share. Takes root, section, component. */}}
{{- define "aws-support-exporter.targets" -}}
namespaceSelector:
  matchNames:
    - {{ include "aws-support-exporter.namespace" .root | quote }}
selector:
  matchLabels:
    {{- include "aws-support-exporter.instanceLabels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
{{- include "aws-support-exporter.fields" (list .section "jobLabel" "targetLabels" "podTargetLabels" "scrapeClass" "scrapeProtocols" "fallbackScrapeProtocol" "bodySizeLimit" "sampleLimit" "seriesLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" "targetLimit") }}
{{- end -}}
