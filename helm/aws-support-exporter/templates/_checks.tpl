{{/* Fails if the cluster does not have the API of an enabled custom resource. Takes root, key, section, api, needs. */}}
{{- define "aws-support-exporter.requireApi" -}}
{{- if not (or .root.Values.skipApiCheck .section.skipApiCheck (.root.Capabilities.APIVersions.Has .api)) -}}
{{- fail (printf "%s.enabled is true, but this cluster does not have the API %s: install %s first, or set %s.skipApiCheck=true (helm template: --api-versions %s)" .key .api .needs .key .api) -}}
{{- end -}}
{{- end -}}

{{/* Fails on values that contradict each other. */}}
{{- define "aws-support-exporter.check" -}}
{{- $given := list -}}
{{- if .Values.config -}}{{- $given = append $given "config" -}}{{- end -}}
{{- if .Values.existingConfigMap -}}{{- $given = append $given "existingConfigMap" -}}{{- end -}}
{{- if .Values.existingSecret -}}{{- $given = append $given "existingSecret" -}}{{- end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "%s are mutually exclusive: set one of them" (join " and " $given)) -}}
{{- end -}}
{{- if and .Values.configAutoReload (not $given) -}}
{{- fail "configAutoReload is true, but there is no configuration to reload: set config, existingConfigMap or existingSecret" -}}
{{- end -}}
{{- $queue := ((.Values.config).events).queue_url | default "" -}}
{{- if and $queue .Values.sharding.enabled (gt (int .Values.sharding.replicas) 1) (not (contains "{shard}" $queue)) -}}
{{- fail "config.events.queue_url is one queue for all shards: write {shard} into its name, and have each event sent to each of these queues" -}}
{{- end -}}
{{- if and (or .Values.web.config.tls .Values.web.config.auth) (not .Values.web.config.existingSecret) -}}
{{- fail "web.config.tls and web.config.auth describe the web configuration: set web.config.existingSecret, too" -}}
{{- end -}}
{{- if and .Values.serviceAccount.annotations (not .Values.serviceAccount.create) -}}
{{- fail "serviceAccount.annotations requires serviceAccount.create=true: annotate your own ServiceAccount instead" -}}
{{- end -}}
{{- if and (.Values.strategy).rollingUpdate (eq ((.Values.strategy).type | default "") "Recreate") (not .Values.sharding.enabled) -}}
{{- fail "strategy.rollingUpdate requires strategy.type=RollingUpdate" -}}
{{- end -}}
{{- if and .Values.persistence.enabled (not .Values.sharding.enabled) (ne ((.Values.strategy).type | default "") "Recreate") -}}
{{- fail "persistence.enabled requires strategy.type=Recreate: two pods cannot use one volume" -}}
{{- end -}}
{{- if and .Values.persistence.existingClaim .Values.sharding.enabled -}}
{{- fail "persistence.existingClaim is one volume for all shards: remove it, and each pod gets a claim of its own" -}}
{{- end -}}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") -}}
{{- fail "service.nodePort requires service.type NodePort or LoadBalancer" -}}
{{- end -}}
{{- $monitors := list -}}
{{- if .Values.serviceMonitor.enabled -}}{{- $monitors = append $monitors "serviceMonitor" -}}{{- end -}}
{{- if .Values.podMonitor.enabled -}}{{- $monitors = append $monitors "podMonitor" -}}{{- end -}}
{{- if .Values.scrapeConfig.enabled -}}{{- $monitors = append $monitors "scrapeConfig" -}}{{- end -}}
{{- if gt (len $monitors) 1 -}}
{{- fail (printf "%s are mutually exclusive, because Prometheus would scrape the exporter more than once: enable one of them" (join " and " $monitors)) -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (kindIs "invalid" .Values.podDisruptionBudget.minAvailable) (kindIs "invalid" .Values.podDisruptionBudget.maxUnavailable) -}}
{{- fail "podDisruptionBudget.enabled is true: set podDisruptionBudget.minAvailable or podDisruptionBudget.maxUnavailable" -}}
{{- end -}}
{{- end -}}
