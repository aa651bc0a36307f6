module claudeprobe.dev/tests/tools/grafana

go 1.26.0

tool claudeprobe.dev/tests/tools/grafana

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
