{{/* Fails where a custom resource is wanted whose API is not there. Takes root, key, section, api, needs. */}}
{{- define "aws-support-exporter.requireApi" -}}
{{- if not (or .root.Values.skipApiCheck .section.skipApiCheck (.root.Capabilities.APIVersions.Has .api)) -}}
{{- fail (printf "%s.enabled is true, but this cluster does not have the API %s: install %s first, or set %s.skipApiCheck=true (helm template: --api-versions %s)" .key .api .needs .key .api) -}}
{{- end -}}
{{- end -}}

{{/* Fails where values do not go together. */}}
{{- define "aws-support-exporter.check" -}}
{{- $given := list -}}
{{- if .Values.config -}}{{- $given = append $given "config" -}}{{- end -}}
{{- if .Values.existingConfigMap -}}{{- $given = append $given "existingConfigMap" -}}{{- end -}}
{{- if .Values.existingSecret -}}{{- $given = append $given "existingSecret" -}}{{- end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "%s are all set, and the exporter reads one configuration: keep one of them" (join " and " $given)) -}}
{{- end -}}
{{- if and .Values.configAutoReload (not $given) -}}
{{- fail "configAutoReload is true, but there is no configuration to reload: set config, existingConfigMap or existingSecret" -}}
{{- end -}}
{{- if and (or .Values.web.config.tls .Values.web.config.auth) (not .Values.web.config.existingSecret) -}}
{{- fail "web.config.tls and web.config.auth say what is in the web configuration: set web.config.existingSecret, too" -}}
{{- end -}}
{{- if and .Values.serviceAccount.annotations (not .Values.serviceAccount.create) -}}
{{- fail "serviceAccount.annotations are for the ServiceAccount that the chart creates, and serviceAccount.create is false: annotate your own, and leave them out" -}}
{{- end -}}
{{- if and (.Values.strategy).rollingUpdate (eq ((.Values.strategy).type | default "") "Recreate") (not .Values.sharding.enabled) -}}
{{- fail "strategy.rollingUpdate is for strategy.type RollingUpdate, and it is Recreate" -}}
{{- end -}}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") -}}
{{- fail "service.nodePort is for service.type NodePort or LoadBalancer, and it is ClusterIP" -}}
{{- end -}}
{{- $monitors := list -}}
{{- if .Values.serviceMonitor.enabled -}}{{- $monitors = append $monitors "serviceMonitor" -}}{{- end -}}
{{- if .Values.podMonitor.enabled -}}{{- $monitors = append $monitors "podMonitor" -}}{{- end -}}
{{- if .Values.scrapeConfig.enabled -}}{{- $monitors = append $monitors "scrapeConfig" -}}{{- end -}}
{{- if gt (len $monitors) 1 -}}
{{- fail (printf "%s are all enabled, and Prometheus would scrape the exporter more than once: keep one of them" (join " and " $monitors)) -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (kindIs "invalid" .Values.podDisruptionBudget.minAvailable) (kindIs "invalid" .Values.podDisruptionBudget.maxUnavailable) -}}
{{- fail "podDisruptionBudget.enabled is true: set podDisruptionBudget.minAvailable or podDisruptionBudget.maxUnavailable" -}}
{{- end -}}
{{- end -}}
