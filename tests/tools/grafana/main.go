// Prints the errors that Grafana's own published types find in dashboards: fields they do not have, fields they need and miss, values of another
// type or out of bounds, panels and queries of plugins that are not part of Grafana.
//
//	grafana FILE…
//
// Grafana generates the types from the schemas of its panels (grafana-foundation-sdk). A well-formed dashboard can still
// be hard to read.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	// What is not registered would be taken unseen: these, and no other.
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(bargauge.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(statetimeline.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())

	good := true
	for _, file := range os.Args[1:] {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = check(raw, runtime)
		}
		if err != nil {
			good = false
			fmt.Fprintf(os.Stderr, "%s: %s\n", file, err)
		}
	}
	if !good || len(os.Args) < 2 {
		os.Exit(1)
	}
}

func check(raw []byte, runtime *cog.Runtime) error {
	if err := found((&dashboard.Dashboard{}).UnmarshalJSONStrict(raw)); err != nil {
		return err
	}
	// What the SDK leaves out when it is strict: the type of a panel, what all types have in fieldConfig, the type of a query.
	var board struct {
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		return err
	}
	for _, each := range board.Panels {
		if err := each.check(runtime); err != nil {
			return fmt.Errorf("panel %q: %w", each.Title, err)
		}
	}
	// It reads nothing that is nested into what it has read strictly, so that has to be read again.
	var bounds dashboard.Dashboard
	if err := json.Unmarshal(raw, &bounds); err != nil {
		return err
	}
	return bounds.Validate()
}

type panel struct {
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	FieldConfig json.RawMessage `json:"fieldConfig"`
	Targets     []struct {
		Datasource struct {
			Type string `json:"type"`
		} `json:"datasource"`
	} `json:"targets"`
	Panels []panel `json:"panels"`
}

func (each panel) check(runtime *cog.Runtime) error {
	if _, known := runtime.ConfigForPanelcfgVariant(each.Type); !known && each.Type != "row" {
		return fmt.Errorf("unknown type %q", each.Type)
	}
	if err := found((&dashboard.FieldConfigSource{}).UnmarshalJSONStrict(each.FieldConfig)); err != nil {
		return err
	}
	for _, target := range each.Targets {
		if target.Datasource.Type != "prometheus" {
			return fmt.Errorf("a query is for a data source of type %q", target.Datasource.Type)
		}
	}
	for _, inner := range each.Panels {
		if err := inner.check(runtime); err != nil {
			return err
		}
	}
	return nil
}

// Where nothing is wrong this SDK returns a list without entries, not nil.
func found(err error) error {
	var list cog.BuildErrors
	if errors.As(err, &list) && len(list) == 0 {
		return nil
	}
	return err
}
