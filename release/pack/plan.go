package pack

import (
	"archive/tar"
	"context"
	"fmt"
	"os"

	"github.com/twofoldhq/twofold/build"
)

// planner cuts the tree into parts and sends them off, in order.
type planner struct {
	ctx               context.Context
	dir               string
	free, order, work chan *part
	seen              map[string]bool // folders that have been written
	group             *part           // small files and headers, not sent yet
	files             []*bigSource
}

func (p *planner) plan(files []build.File) {
	defer close(p.order)
	defer close(p.work)
	for i := range files {
		if !p.file(&files[i]) {
			return
		}
	}
	p.item(item{kind: kindEnd, size: int64(len(zeros))})
	p.flush()
}

// file plans one file. It returns false when there is no point in going on.
func (p *planner) file(f *build.File) bool {
	for _, dir := range folders(p.seen, p.dir+"/"+f.Path) {
		if !p.item(item{kind: kindHeader, name: dir, typeflag: tar.TypeDir, mode: 0o755}) {
			return false
		}
	}
	name := p.dir + "/" + f.Path
	if f.Link != "" {
		return p.item(item{kind: kindHeader, file: f, zipped: true, name: name, typeflag: tar.TypeSymlink, mode: 0o777, link: f.Link})
	}
	size := f.Info.Size()
	header := item{kind: kindHeader, file: f, name: name, typeflag: tar.TypeReg, mode: int64(mode(f) & 0o777), size: size}
	if size < bigFile {
		header.kind, header.zipped = kindSmall, true
		return p.item(header)
	}
	return p.item(header) && p.flush() && p.chunks(f) &&
		p.item(item{kind: kindEnd, size: padding(size)})
}

func (p *planner) item(it item) bool {
	if p.group == nil {
		if p.group = p.take(); p.group == nil {
			return false
		}
	}
	p.group.items = append(p.group.items, it)
	p.group.planned += tarBlock
	if it.kind != kindHeader {
		p.group.planned += it.size
	}
	return p.group.planned < groupSize || p.flush()
}

func (p *planner) flush() bool {
	if p.group == nil {
		return true
	}
	part := p.group
	p.group = nil
	return p.send(part)
}

func (p *planner) chunks(f *build.File) bool {
	source := &bigSource{file: f}
	source.f, source.err = openUnchanged(f)
	p.files = append(p.files, source)
	for offset := int64(0); offset < f.Info.Size(); offset += chunkSize {
		part := p.take()
		if part == nil {
			return false
		}
		part.big, part.offset = source, offset
		if !p.send(part) {
			return false
		}
	}
	return true
}

// take returns an empty part, as soon as one is free, or nil when cancelled.
func (p *planner) take() *part {
	select {
	case part := <-p.free:
		part.reset()
		return part
	case <-p.ctx.Done():
		return nil
	}
}

// send never blocks: the channels hold as many parts as there are.
func (p *planner) send(part *part) bool {
	p.order <- part
	p.work <- part
	return p.ctx.Err() == nil
}

func (p *planner) closeFiles() {
	for _, s := range p.files {
		if s.f != nil {
			s.f.Close()
		}
	}
}

// openUnchanged opens a file and makes sure that it is the one that was built.
func openUnchanged(f *build.File) (*os.File, error) {
	file, err := os.Open(f.Source)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", f.Path, err)
	}
	if err := unchanged(file, f); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// unchanged reports whether an open file has the size and time of its Info.
func unchanged(file *os.File, f *build.File) error {
	now, err := file.Stat()
	if err != nil {
		return fmt.Errorf("file %q: %w", f.Path, err)
	}
	if now.Size() != f.Info.Size() || !now.ModTime().Equal(f.Info.ModTime()) {
		return fmt.Errorf("file %q: %w", f.Path, ErrChanged)
	}
	return nil
}
