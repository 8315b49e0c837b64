package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Git is what expressions know of the repository as git.NAME.
type Git struct {
	// Commit is the full hash. Branch is "" where no branch is checked out, and
	// Tag where no tag points to the commit.
	Commit, Branch, Tag string
	// Dirty: the working tree differs from the commit.
	Dirty bool
}

// gitFacts are the names behind git, and what they mean.
var gitFacts = map[string]string{
	"commit": "The full hash of the commit that is checked out.",
	"branch": "The branch that is checked out, or \"\".",
	"tag":    "A tag of that commit, the newest version of several, or \"\".",
	"dirty":  "Whether files differ from the commit.",
}

// gitFact returns one of them. The repository is asked once, and only by a
// manifest that uses it.
func (l *loader) gitFact(name string, at hcl.Range) (cty.Value, state) {
	if l.scope.git == nil {
		l.scope.git = map[string]cty.Value{}
		g, err := l.git()
		if err != nil {
			l.report(Diagnostic{
				Summary: fmt.Sprintf("git.%s has no value", name),
				Detail:  sentence(err.Error()) + " git.commit, git.branch, git.tag and git.dirty need a clone of the repository with at least one commit, and git on this machine. Or give the value by a variable.",
			}, at)
			return cty.DynamicVal, stateBroken
		}
		l.scope.git["commit"] = cty.StringVal(g.Commit)
		l.scope.git["branch"] = cty.StringVal(g.Branch)
		l.scope.git["tag"] = cty.StringVal(g.Tag)
		l.scope.git["dirty"] = cty.BoolVal(g.Dirty)
	}
	v, ok := l.scope.git[name]
	if !ok {
		return cty.DynamicVal, stateBroken
	}
	return v, stateReady
}

// gitTime bounds all questions to git together.
const gitTime = 20 * time.Second

// readGit asks git about the repository that holds a folder. It runs no hook and
// no file watcher that the repository's own settings name.
func readGit(dir string) (Git, error) {
	ctx, cancel := context.WithTimeout(context.Background(), gitTime)
	defer cancel()
	var g Git
	commit, err := runGit(ctx, dir, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return g, err
	}
	g.Commit = commit
	g.Branch, _ = runGit(ctx, dir, "symbolic-ref", "--short", "-q", "HEAD")
	tags, err := runGit(ctx, dir, "tag", "--points-at", "HEAD", "--sort=-version:refname")
	if err != nil {
		return g, err
	}
	g.Tag, _, _ = strings.Cut(tags, "\n")
	changes, err := runGit(ctx, dir, "status", "--porcelain", "--untracked-files=normal")
	g.Dirty = changes != ""
	return g, err
}

// environWithoutRepository is the environment without what names a repository,
// as git sets it for hooks: the folder alone decides which one it is.
func environWithoutRepository() []string {
	var kept []string
	for _, entry := range os.Environ() {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}

func runGit(ctx context.Context, dir string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-C", dir}, args...)...)
	c.Env = append(environWithoutRepository(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	var out, problem bytes.Buffer
	c.Stdout, c.Stderr = &out, &problem
	err := c.Run()
	switch {
	case err == nil:
		return strings.TrimSpace(out.String()), nil
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is not installed")
	case ctx.Err() != nil:
		return "", errors.New("git took too long")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(problem.String()), "\n")
	switch {
	case strings.Contains(line, "not a git repository"):
		return "", fmt.Errorf("%s is in no git repository", dir)
	case strings.Contains(line, "dubious ownership"):
		return "", fmt.Errorf("the repository of %s belongs to another user, so git does not trust it. If you do, run: git config --global --add safe.directory %s", dir, dir)
	case strings.Contains(line, "Needed a single revision"):
		return "", fmt.Errorf("the repository of %s has no commit yet", dir)
	case line == "":
		line = err.Error()
	}
	return "", fmt.Errorf("git %s failed: %s", args[0], strings.TrimPrefix(line, "fatal: "))
}
