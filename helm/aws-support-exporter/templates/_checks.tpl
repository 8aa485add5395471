{{/*
"true" if the chart and a section of its values are enabled. Takes the root, the section's key, and for a custom resource its API and whose
that is: fails if the cluster does not have it.
*/}}
{{- define "aws-support-exporter.enabled" -}}
{{- $root := index . 0 -}}
{{- $key := index . 1 -}}
{{- $section := $root.Values -}}
{{- range splitList "." $key -}}{{- $section = get $section . | default dict -}}{{- end -}}
{{- if and $root.Values.enabled $section.enabled -}}
{{- with slice . 2 -}}
{{- if not (or $root.Values.skipApiCheck ($root.Capabilities.APIVersions.Has (first .))) -}}
{{- fail (printf "%s.enabled is true, but this cluster does not have the API %s: install %s first, or set skipApiCheck=true (helm template: --api-versions %[2]s)" $key (first .) (last .)) -}}
{{- end -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* Fails on values that are no longer taken, and on those that contradict each other. */}}
{{- define "aws-support-exporter.check" -}}
{{- range $old, $new := fromYaml (include "aws-support-exporter.renamed" .) -}}
{{- $value := $.Values -}}
{{- range splitList "." $old -}}{{- $value = get (default dict $value) . -}}{{- end -}}
{{- if $value -}}{{- fail (printf "%s is no longer a value: set %s" $old $new) -}}{{- end -}}
{{- end -}}
{{- $given := list -}}
{{- range list "config" "existingConfigMap" "existingConfigSecret" -}}
{{- if get $.Values . -}}{{- $given = append $given . -}}{{- end -}}
{{- end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "%s are mutually exclusive: set one of them" (join " and " $given)) -}}
{{- end -}}
{{- with .Values.config -}}{{- include "aws-support-exporter.checkConfig" . -}}{{- end -}}
{{- if and .Values.configInSecret (not .Values.config) -}}
{{- fail "configInSecret is true, but there is no config to store: set config" -}}
{{- end -}}
{{- if and .Values.configAutoReload (not $given) -}}
{{- fail "configAutoReload is true, but there is no configuration to reload: set config, existingConfigMap or existingConfigSecret" -}}
{{- end -}}
{{- $queue := ((.Values.config).events).queue_url | default "" -}}
{{- if (.Values.sharding).enabled -}}
{{- if and $queue (not (contains "{shard}" $queue)) -}}
{{- fail "config.events.queue_url is one queue for all shards: add {shard} to its name, and send each event to every queue" -}}
{{- end -}}
{{- $network := default dict .Values.networkPolicy -}}
{{- if and $network.enabled ($network.egress).aws (not $network.egress.apiServer) -}}
{{- fail "networkPolicy.egress.aws is set, but shards could still reach any host on the ports 443 and 6443: set networkPolicy.egress.apiServer to the peers of the Kubernetes API, too" -}}
{{- end -}}
{{- if ne (int .Values.replicaCount) 1 -}}
{{- fail "replicaCount has no effect with sharding.enabled: set sharding.replicas, and leave replicaCount at 1" -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.web.config.tls .Values.web.config.auth) (not .Values.web.config.existingSecret) -}}
{{- fail "web.config.tls and web.config.auth describe the web configuration: set web.config.existingSecret, too" -}}
{{- end -}}
{{- if and .Values.serviceAccount.annotations (not .Values.serviceAccount.create) -}}
{{- fail "serviceAccount.annotations requires serviceAccount.create=true: annotate your own ServiceAccount instead" -}}
{{- end -}}
{{- with .Values.persistence -}}
{{- if and .enabled .existingClaim ($.Values.sharding).enabled -}}
{{- fail "persistence.existingClaim is one volume for all shards: remove it, so that each pod gets its own claim" -}}
{{- end -}}
{{- if and .enabled (gt (int $.Values.replicaCount) 1) -}}
{{- fail "persistence.enabled requires replicaCount=1: two pods cannot use one volume" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") -}}
{{- fail "service.nodePort requires service.type NodePort or LoadBalancer" -}}
{{- end -}}
{{- if and .Values.service.loadBalancerSourceRanges (ne .Values.service.type "LoadBalancer") -}}
{{- fail "service.loadBalancerSourceRanges requires service.type LoadBalancer" -}}
{{- end -}}
{{- if and (.Values.ingress).enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true, but it has no hosts: set ingress.hosts" -}}
{{- end -}}
{{- if and (.Values.serviceMonitor).enabled (.Values.podMonitor).enabled -}}
{{- fail "serviceMonitor and podMonitor are mutually exclusive, because Prometheus would scrape the exporter twice: enable one of them" -}}
{{- end -}}
{{- with .Values.podDisruptionBudget -}}
{{- if and .enabled (kindIs "invalid" .minAvailable) (kindIs "invalid" .maxUnavailable) -}}
{{- fail "podDisruptionBudget.enabled is true: set podDisruptionBudget.minAvailable or podDisruptionBudget.maxUnavailable" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Values that other ones replace. The schema lets them pass, so that their own message is shown. */}}
{{- define "aws-support-exporter.renamed" -}}
existingSecret: existingConfigSecret
prometheusRule.rules: prometheusRule.overrides, or prometheusRule.additionalGroups for rules of your own
scrapeConfig: serviceMonitor or podMonitor
serviceMonitor.skipApiCheck: skipApiCheck
podMonitor.skipApiCheck: skipApiCheck
vmServiceScrape.skipApiCheck: skipApiCheck
prometheusRule.skipApiCheck: skipApiCheck
dashboards.grafanaOperator.skipApiCheck: skipApiCheck
verticalPodAutoscaler.skipApiCheck: skipApiCheck
startupProbe: livenessProbe.initialDelaySeconds
verticalPodAutoscaler.updateMode: verticalPodAutoscaler.updatePolicy.updateMode
verticalPodAutoscaler.controlledResources: verticalPodAutoscaler.containerPolicy.controlledResources
verticalPodAutoscaler.controlledValues: verticalPodAutoscaler.containerPolicy.controlledValues
verticalPodAutoscaler.minAllowed: verticalPodAutoscaler.containerPolicy.minAllowed
verticalPodAutoscaler.maxAllowed: verticalPodAutoscaler.containerPolicy.maxAllowed
{{- end -}}

{{/* Fails on a configuration whose values are each valid, but conflict. Takes the configuration. */}}
{{- define "aws-support-exporter.checkConfig" -}}
{{- $config := . -}}
{{- $aws := default dict .aws -}}
{{- $seen := list -}}
{{- $own := list -}}
{{- range $key := list "accounts" "organizations" "events" -}}
{{- $section := get $config $key | default list -}}
{{- range $index, $entry := kindIs "map" $section | ternary (list $section) $section -}}
{{- $path := eq $key "events" | ternary "config.events" (printf "config.%s[%d]" $key $index) -}}
{{- $name := printf "%s %s" (trimSuffix "s" $key) ($entry.id | default $entry.name) -}}
{{- if has $name $seen -}}{{- fail (printf "%s: %s is a duplicate: remove one of them" $path $name) -}}{{- end -}}
{{- $seen = append $seen $name -}}
{{- $ways := list -}}
{{- range list "role_arn" "role_chain" "profile" "use_own_credentials" -}}
{{- if get $entry . -}}{{- $ways = append $ways . -}}{{- end -}}
{{- end -}}
{{- if gt (len $ways) 1 -}}{{- fail (printf "%s: %s are mutually exclusive: keep one of them" $path (join " and " $ways)) -}}{{- end -}}
{{- $role := $entry.role_arn | default (last ($entry.role_chain | default (list ""))) -}}
{{- $isNamed := and $entry.id $aws.role_name (not $ways) -}}
{{- if and $entry.external_id (not (or $role $isNamed)) -}}
{{- fail (printf "%s.external_id requires a role: set role_arn, or remove it" $path) -}}
{{- end -}}
{{- if and $role $entry.id (ne (index (splitList ":" $role) 4) $entry.id) -}}
{{- fail (printf "%s: the role %s is not in account %s: fix it, or the ID" $path $role $entry.id) -}}
{{- end -}}
{{- if and $entry.id (or $entry.use_own_credentials (not (or $ways $isNamed))) -}}{{- $own = append $own $path -}}{{- end -}}
{{- if and (eq $key "organizations") (not (or $entry.member_role_name $aws.role_name)) -}}
{{- fail (printf "%s.member_role_name is missing: set the role to assume in each account, here or as config.aws.role_name" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len $own) 1 -}}
{{- fail (printf "only one account can use the exporter's own credentials, but %s do: set role_arn there, or config.aws.role_name" (join " and " $own)) -}}
{{- end -}}
{{- $interval := include "aws-support-exporter.seconds" ((.poll).interval | default "5m") -}}
{{- $staleness := include "aws-support-exporter.seconds" ((.poll).max_staleness | default "30m") -}}
{{- if lt (float64 $staleness) (float64 $interval) -}}
{{- fail "config.poll.max_staleness is shorter than config.poll.interval: cases would disappear between polls" -}}
{{- end -}}
{{- end -}}

{{/* A duration, such as 1h30m, in seconds. */}}
{{- define "aws-support-exporter.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1 "m" 60 "h" 3600 "d" 86400 "w" 604800 "y" 31536000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
{{- $sum = addf $sum (mulf (regexFind "[0-9]+" .) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
