// Package knative asks Knative Serving's own code whether it takes the objects that
// twofold makes. It is a module of its own: Knative is no dependency of twofold.
package knative

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
	"knative.dev/pkg/apis"
	v1 "knative.dev/serving/pkg/apis/serving/v1"
	"knative.dev/serving/pkg/apis/serving/v1beta1"
	sigs "sigs.k8s.io/yaml"
)

// resource is what Knative's webhook sets defaults in and validates.
type resource interface {
	SetDefaults(context.Context)
	Validate(context.Context) *apis.FieldError
}

func TestKnativeTakesTheObjects(t *testing.T) {
	for file, want := range map[string]int{"serverless-plain.yaml": 1, "serverless.yaml": 2} {
		t.Run(file, func(t *testing.T) {
			list := knativeObjects(t, "../../../targets/kubernetes/testdata/"+file)
			if len(list) != want {
				t.Fatalf("%d objects are Knative's, want %d", len(list), want)
			}
			for _, o := range list {
				ctx := apis.WithinCreate(t.Context())
				o.SetDefaults(ctx)
				if err := o.Validate(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// knativeObjects are those of Knative's group in a file of objects.
func knativeObjects(t *testing.T, path string) (list []resource) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		one, err := documents.Read()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		var kind struct{ APIVersion, Kind string }
		if err := sigs.Unmarshal(one, &kind); err != nil {
			t.Fatal(err)
		}
		var o resource
		switch kind.APIVersion + "/" + kind.Kind {
		case "serving.knative.dev/v1/Service":
			o = new(v1.Service)
		case "serving.knative.dev/v1beta1/DomainMapping":
			o = new(v1beta1.DomainMapping)
		default:
			continue
		}
		if err := sigs.UnmarshalStrict(one, o); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
}
