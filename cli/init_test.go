package cli

import "testing"

func TestProjectNameOfAFolderIsAlwaysValid(t *testing.T) {
	for folder, want := range map[string]string{
		"shop":          "shop",
		"My Shop (new)": "my-shop-new",
		"2048":          "app-2048",
		"---":           "app",
		"/":             "app",
		"ünïcode":       "n-code",
		"a-very-long-folder-name-that-goes-on-and-on-and-on": "a-very-long-folder-name-that-goes-on-and",
	} {
		if got := projectName(folder); got != want {
			t.Errorf("%q: got %q, want %q", folder, got, want)
		}
	}
}
