package tree

import (
	"slices"
	"testing"
)

func sample() Tree {
	return Tree{
		Command: []string{"./server", "-a", "<&> \"quoted\""}, Env: map[string]string{"B": "2", "A": "é\n\x01\u2028\x7f/"}, Runtime: "nodejs24.x",
		Files: []File{
			{Path: "server", Executable: true, Size: 3, SHA256: "aa"},
			{Path: "link", Link: "server"},
			{Path: "a name", Size: 0, SHA256: "bb"},
		},
	}
}

// The text is the format: others compute it, too.
const text = `twofold.tree.v1
command ["./server","-a","<&> \"quoted\""]
env {"A":"é\n\u0001 ` + "\x7f" + `/","B":"2"}
runtime "nodejs24.x"
file 0644 0 bb "a name"
link "server" "link"
file 0755 3 aa "server"
`

func TestText(t *testing.T) {
	got, err := sample().text()
	if err != nil || string(got) != text {
		t.Errorf("%s%v", got, err)
	}
	empty, err := Tree{}.text()
	if want := "twofold.tree.v1\ncommand []\nenv {}\nruntime \"\"\n"; err != nil || string(empty) != want {
		t.Errorf("%s%v", empty, err)
	}
}

func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	one, err := sample().Digest()
	if err != nil {
		t.Fatal(err)
	}
	other := sample()
	slices.Reverse(other.Files)
	if two, err := other.Digest(); err != nil || one != two {
		t.Errorf("%s, then %s, %v", one, two, err)
	}
}

func TestEachFactCounts(t *testing.T) {
	seen := map[string]bool{}
	for i, change := range []func(*Tree){
		func(*Tree) {},
		func(t *Tree) { t.Command = t.Command[:1] },
		func(t *Tree) { t.Env["C"] = "" },
		func(t *Tree) { t.Runtime = "" },
		func(t *Tree) { t.Files = t.Files[:2] },
		func(t *Tree) { t.Files[0].Executable = false },
		func(t *Tree) { t.Files[0].SHA256 = "cc" },
		func(t *Tree) { t.Files[0].Size = 4 },
		func(t *Tree) { t.Files[0].Path = "Server" },
		func(t *Tree) { t.Files[1].Link = "a name" },
	} {
		tree := sample()
		change(&tree)
		d, err := tree.Digest()
		if err != nil || seen[d] {
			t.Errorf("change %d: %s, %v", i, d, err)
		}
		seen[d] = true
	}
}

func TestFileThatIsThereTwiceIsAnError(t *testing.T) {
	tree := sample()
	tree.Files = append(tree.Files, tree.Files[1])
	if _, err := tree.Digest(); err == nil {
		t.Error("no error")
	}
}
