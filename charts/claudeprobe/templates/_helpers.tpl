{{- /* Names and labels. */ -}}
{{- define "claudeprobe.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if not (contains "claudeprobe" $name) }}{{ $name = printf "%s-claudeprobe" $name }}{{ end -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "claudeprobe.operator" -}}{{ include "claudeprobe.fullname" . }}-operator{{- end -}}

{{- define "claudeprobe.serviceAccount" -}}{{ .Values.serviceAccount.name | default (include "claudeprobe.operator" .) }}{{- end -}}

{{- define "claudeprobe.selector" -}}
app.kubernetes.io/name: claudeprobe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- /* The chart's version is not a pod label: an upgrade of the chart alone restarts no pod. */ -}}
{{- define "claudeprobe.labels" -}}
app.kubernetes.io/name: claudeprobe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "claudeprobe.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The port of a status page that is not on loopback; empty otherwise. */ -}}
{{- define "claudeprobe.statusPagePort" -}}
{{- $address := .Values.statusPage.address -}}
{{- if not (or (eq $address "off") (hasPrefix "127." $address) (hasPrefix "[::1]:" $address)) -}}{{ splitList ":" $address | last }}{{- end -}}
{{- end -}}

{{- /* How Prometheus finds the operator; Auto depends on the kinds that the cluster has. */ -}}
{{- define "claudeprobe.scrape" -}}
{{- if ne .Values.metrics.scrape "Auto" -}}{{ .Values.metrics.scrape }}
{{- else if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" -}}ServiceMonitor
{{- else -}}None
{{- end -}}
{{- end -}}

{{- define "claudeprobe.rule" -}}
{{- if ne .Values.alerts.rule "Auto" -}}{{ .Values.alerts.rule }}
{{- else if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule" -}}Enabled
{{- else -}}Disabled
{{- end -}}
{{- end -}}
