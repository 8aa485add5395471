{{/* PrometheusRule or VMRule, without its kind. */}}
{{- define "aws-support-exporter.rules" -}}
{{- with .Values.prometheusRule -}}
metadata:
  {{- include "aws-support-exporter.metadata" (dict "root" $ "labels" .additionalLabels "annotations" .annotations "namespace" .namespace) | nindent 2 }}
spec:
  groups:
    {{- include "aws-support-exporter.ruleGroups" (dict "root" $) | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* The groups of all rule files, with the overrides of single alerts. Takes root. */}}
{{- define "aws-support-exporter.ruleGroups" -}}
{{- $values := .root.Values.prometheusRule -}}
{{- $changes := default dict $values.overrides -}}
{{- range $label := default list $values.ownerLabels -}}
{{- if hasKey (default dict $values.additionalRuleLabels) $label -}}
{{- fail (printf "prometheusRule.additionalRuleLabels.%s would replace the owner of each account: remove it there, or from prometheusRule.ownerLabels" $label) -}}
{{- end -}}
{{- end -}}
{{- $shipped := list -}}
{{- $groups := list -}}
{{- range $path, $content := .root.Files.Glob "files/rules/*.yaml" -}}
{{- range $group := (fromYaml (toString $content)).groups -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- if $rule.alert -}}
{{- $shipped = append $shipped $rule.alert -}}
{{- $change := get $changes $rule.alert | default dict -}}
{{- if ne (get $change "enabled" | toString) "false" -}}
{{- $rules = append $rules (include "aws-support-exporter.alert" (dict "root" $.root "rule" $rule "change" $change) | fromYaml) -}}
{{- end -}}
{{- else -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}
{{- $groups = append $groups (merge (dict "rules" $rules) $group) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := $changes -}}
{{- if not (has $name $shipped) -}}
{{- fail (printf "prometheusRule.overrides.%s: no such alert; the alerts are %s" $name (sortAlpha $shipped | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- concat $groups (default list $values.additionalGroups) | default list | toYaml -}}
{{- end -}}

{{/*
One alert. Takes root, rule, change.
- A threshold is the number that ends the expression, after a comparison.
- The namespace is that of the alert's series; an alert about missing series has that of the release.
*/}}
{{- define "aws-support-exporter.alert" -}}
{{- $values := .root.Values.prometheusRule -}}
{{- $rule := deepCopy .rule -}}
{{- $labels := merge dict (default dict $values.additionalRuleLabels) (default dict $rule.labels) -}}
{{- $annotations := merge dict (default dict $values.additionalRuleAnnotations) (default dict $rule.annotations) -}}
{{- with .change.severity -}}{{- $_ := set $labels "severity" . -}}{{- end -}}
{{- with .change.for -}}{{- $_ := set $rule "for" . -}}{{- end -}}
{{- if not (kindIs "invalid" .change.threshold) -}}
{{- $pattern := `((?:[<>]=?|[!=]=)\s*(?:bool\s+)?)[-+]?(?:[0-9]*\.)?[0-9]+(?:[eE][-+]?[0-9]+)?(\s*)$` -}}
{{- if not (regexMatch $pattern $rule.expr) -}}
{{- fail (printf "prometheusRule.overrides.%s.threshold: this alert has no threshold; remove it" $rule.alert) -}}
{{- end -}}
{{- $_ := set $rule "expr" (regexReplaceAll $pattern $rule.expr (printf "${1}%s${2}" (toJson .change.threshold))) -}}
{{- end -}}
{{- if hasPrefix "absent(" $rule.expr -}}
{{- $labels = merge $labels (dict "namespace" (include "aws-support-exporter.namespace" .root)) -}}
{{- end -}}
{{- with $values.clusterLabel -}}
{{- $_ := set $rule "expr" (regexReplaceAll `\b(by|on) \(namespace\b` $rule.expr (printf "${1} (%s, namespace" .)) -}}
{{- end -}}
{{- with $values.runbookUrl -}}
{{- $anchor := regexFind "[^#/]+$" ($annotations.runbook_url | default (lower $rule.alert)) -}}
{{- $_ := set $annotations "runbook_url" (printf "%s%s%s" (trimSuffix "#" .) (hasSuffix "/" . | ternary "" "#") $anchor) -}}
{{- end -}}
{{- if and $values.ownerLabels (contains "$labels.account_id" ((default dict $rule.annotations).description | default "")) -}}
{{- $_ := set $rule "expr" (include "aws-support-exporter.withOwner" (dict "expr" $rule.expr "labels" $values.ownerLabels "cluster" $values.clusterLabel)) -}}
{{- $_ := set $annotations "description" (printf "%s%s" (include "aws-support-exporter.owner" $values.ownerLabels) $annotations.description) -}}
{{- end -}}
{{- $_ := set $rule "labels" $labels -}}
{{- $_ := set $rule "annotations" $annotations -}}
{{- toYaml $rule -}}
{{- end -}}

{{/*
An alert's expression with owner labels of the account. Takes expr, labels, cluster.
- Exporters that monitor the same account may disagree on its owner: topk takes one, so that the alert fires once.
- A restarted exporter has yet to read the tags: a series with the first label wins for 15 minutes over one without.
- An account without aws_support_account_info alerts by the last line.
*/}}
{{- define "aws-support-exporter.withOwner" -}}
{{- $by := compact (list .cluster "account_id") | join ", " -}}
(
{{ .expr | indent 2 }}
)
* on ({{ $by }}) group_left ({{ join ", " .labels }}) topk by ({{ $by }}) (1,
    last_over_time(aws_support_account_info{ {{- first .labels }}!=""}[15m])
  or on ({{ $by }})
    aws_support_account_info
)
or on ({{ $by }}) (
{{ .expr | indent 2 }}
)
{{- end -}}

{{/* What names the owner at the beginning of an alert's description. Takes the owner labels. */}}
{{- define "aws-support-exporter.owner" -}}
{{- range . -}}
{{- $name := trimPrefix "label_" . | replace "_" " " -}}
{{- printf "{{ with $labels.%s }}%s%s: {{ . }}. {{ end }}" . (substr 0 1 $name | upper) (substr 1 -1 $name) -}}
{{- end -}}
{{- end -}}
