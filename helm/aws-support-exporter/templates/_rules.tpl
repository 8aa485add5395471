{{/* The groups of all rule files, with the overrides of single alerts. Takes root. */}}
{{- define "aws-support-exporter.ruleGroups" -}}
{{- $values := .root.Values.prometheusRule -}}
{{- $changes := default dict $values.rules -}}
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
{{- $rules = append $rules (include "aws-support-exporter.alert" (dict "values" $values "rule" $rule "change" $change) | fromYaml) -}}
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
{{- fail (printf "prometheusRule.rules.%s: no such alert; the alerts are %s" $name (sortAlpha $shipped | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- concat $groups (default list $values.additionalGroups) | default list | toYaml -}}
{{- end -}}

{{/* One alert. Takes values, rule, change. A threshold is the number that ends the expression, after a comparison. */}}
{{- define "aws-support-exporter.alert" -}}
{{- $rule := deepCopy .rule -}}
{{- $labels := merge dict (default dict .values.additionalRuleLabels) (default dict $rule.labels) -}}
{{- $annotations := merge dict (default dict .values.additionalRuleAnnotations) (default dict $rule.annotations) -}}
{{- with .change.severity -}}{{- $_ := set $labels "severity" . -}}{{- end -}}
{{- with .change.for -}}{{- $_ := set $rule "for" . -}}{{- end -}}
{{- if not (kindIs "invalid" .change.threshold) -}}
{{- $pattern := `((?:[<>]=?|[!=]=)\s*(?:bool\s+)?)[-+]?(?:[0-9]*\.)?[0-9]+(?:[eE][-+]?[0-9]+)?(\s*)$` -}}
{{- if not (regexMatch $pattern $rule.expr) -}}
{{- fail (printf "prometheusRule.rules.%s.threshold: this alert has no threshold; remove it" $rule.alert) -}}
{{- end -}}
{{- $_ := set $rule "expr" (regexReplaceAll $pattern $rule.expr (printf "${1}%s${2}" (toJson .change.threshold))) -}}
{{- end -}}
{{- with .values.runbookUrl -}}
{{- $anchor := regexFind "[^#/]+$" ($annotations.runbook_url | default (lower $rule.alert)) -}}
{{- $_ := set $annotations "runbook_url" (printf "%s%s%s" (trimSuffix "#" .) (hasSuffix "/" . | ternary "" "#") $anchor) -}}
{{- end -}}
{{- $_ := set $rule "labels" $labels -}}
{{- $_ := set $rule "annotations" $annotations -}}
{{- toYaml $rule -}}
{{- end -}}
