package golang

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/twofoldhq/twofold/build/tree"
	"github.com/twofoldhq/twofold/build/workdir"
)

// recordVersion is the first line of a record; another one is not read.
const recordVersion = "twofold go 1"

// known reports whether binary and stub are those of the last finished build.
func (c compile) known() bool {
	record, err := os.ReadFile(c.record())
	if err != nil {
		return false
	}
	now, err := c.state()
	return err == nil && bytes.Equal(record, now) && c.stubWhole()
}

// state is the content of the record for the files as they are. The stub counts
// by its inode alone: the go command sets its times.
func (c compile) state() ([]byte, error) {
	info, err := os.Lstat(c.binary())
	if err != nil {
		return nil, err
	}
	stub, err := os.Lstat(c.stub())
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s\nbinary %s\nstub %d %d\n",
		recordVersion, tree.IdentityOf(info), tree.Inode(stub), stub.Size()), nil
}

// stubWhole reports whether the stub is the beginning of the binary.
func (c compile) stubWhole() bool {
	stub, err := os.ReadFile(c.stub())
	if err != nil {
		return false
	}
	begin, err := beginning(c.binary())
	return err == nil && bytes.Equal(stub, begin)
}

// take makes what go wrote the binary, and leaves a stub in its place. A crash
// between any two steps leaves a state that is not known, so that the next build
// links again.
func (c compile) take() error {
	if err := os.Rename(c.stub(), c.binary()); err != nil {
		return err
	}
	begin, err := beginning(c.binary())
	if err != nil {
		return err
	}
	if err := workdir.WriteFile(c.stub(), begin); err != nil {
		return err
	}
	if err := os.Chmod(c.stub(), 0o755); err != nil {
		return err
	}
	record, err := c.state()
	if err != nil {
		return err
	}
	return workdir.WriteFile(c.record(), record)
}

// beginning returns the part of a binary that a stub consists of.
func beginning(path string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, stubSize))
}
