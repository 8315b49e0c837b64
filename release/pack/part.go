package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/klauspost/compress/flate"

	"github.com/twofoldhq/twofold/build"
)

// part is a piece of the tar that is compressed on its own: a chunk of a big
// file, or a group of headers and small files. Its buffers are used again.
type part struct {
	done chan struct{} // closed when packed
	err  error

	// A chunk has these two.
	big    *bigSource
	offset int64
	// A group has these two; planned is a little more than the bytes of tar.
	items   []item
	planned int64

	raw    []byte       // the bytes of the tar
	packed bytes.Buffer // raw as a DEFLATE stream without an end
	alone  bytes.Buffer // of a group: each small file as a whole DEFLATE stream
}

// bigSource is a big file that is open while its chunks are read.
type bigSource struct {
	file *build.File
	f    *os.File
	err  error // of opening
}

// finish closes the file once all of it was read and makes sure that it did not
// change meanwhile.
func (s *bigSource) finish() error {
	err := unchanged(s.f, s.file)
	s.f.Close()
	return err
}

type itemKind int

const (
	kindHeader itemKind = iota // a header alone
	kindSmall                  // a header and the content of a small file
	kindEnd                    // size zero bytes
)

// item is an entry of a group.
type item struct {
	kind       itemKind
	file       *build.File
	zipped     bool // it is an entry of the zip, too
	name, link string
	typeflag   byte
	mode, size int64

	start                  int64 // of the content in raw
	packedStart, packedEnd int   // of the stream in alone
	sum                    [sha256.Size]byte
	crc                    uint32
}

func (p *part) reset() {
	p.done, p.err = make(chan struct{}), nil
	p.big, p.offset = nil, 0
	p.items, p.planned = p.items[:0], 0
	p.raw = p.raw[:0]
	p.packed.Reset()
	p.alone.Reset()
}

// compressor is one worker's own state.
type compressor struct{ w *flate.Writer }

func newCompressor() (*compressor, error) {
	w, err := flate.NewWriter(io.Discard, level)
	return &compressor{w: w}, err
}

// open appends raw to out as a DEFLATE stream that ends at a byte's border and
// goes on with whatever follows. What was compressed before has no influence.
func (c *compressor) open(out *bytes.Buffer, raw []byte) error {
	c.w.Reset(out)
	if _, err := c.w.Write(raw); err != nil {
		return err
	}
	return c.w.Flush()
}

// whole appends raw to out as a DEFLATE stream with its end.
func (c *compressor) whole(out *bytes.Buffer, raw []byte) error {
	c.w.Reset(out)
	if _, err := c.w.Write(raw); err != nil {
		return err
	}
	return c.w.Close()
}

// pack reads and compresses the part.
func (p *part) pack(ctx context.Context, c *compressor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.big != nil {
		if err := p.readChunk(); err != nil {
			return err
		}
		return c.open(&p.packed, p.raw)
	}
	for i := range p.items {
		if err := p.packItem(&p.items[i], c); err != nil {
			return err
		}
	}
	return c.open(&p.packed, p.raw)
}

func (p *part) readChunk() error {
	f := p.big.file
	if p.big.err != nil {
		return p.big.err
	}
	n := int(min(chunkSize, f.Info.Size()-p.offset))
	if cap(p.raw) < n {
		p.raw = make([]byte, n, chunkSize)
	}
	p.raw = p.raw[:n]
	if _, err := p.big.f.ReadAt(p.raw, p.offset); err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrChanged
		}
		return fmt.Errorf("file %q: %w", f.Path, err)
	}
	return nil
}

func (p *part) packItem(it *item, c *compressor) error {
	if it.kind == kindEnd {
		p.raw = append(p.raw, zeros[:it.size]...)
		return nil
	}
	var err error
	if p.raw, err = tarHeader(p.raw, it.name, it.typeflag, it.mode, it.size, it.link); err != nil {
		return fmt.Errorf("file %q: %w", it.name, err)
	}
	if it.kind == kindHeader {
		return nil
	}
	it.start = int64(len(p.raw))
	p.raw = append(p.raw, make([]byte, it.size)...)
	content := p.raw[it.start:]
	if err := readSmall(it.file, content); err != nil {
		return err
	}
	p.raw = append(p.raw, zeros[:padding(it.size)]...)
	it.sum, it.crc = sha256.Sum256(content), crc32.ChecksumIEEE(content)
	it.packedStart = p.alone.Len()
	if err := c.whole(&p.alone, content); err != nil {
		return err
	}
	it.packedEnd = p.alone.Len()
	return nil
}

// readSmall fills content, which has the size that the file must have.
func readSmall(f *build.File, content []byte) error {
	file, err := openUnchanged(f)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.ReadFull(file, content); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = ErrChanged
		}
		return fmt.Errorf("file %q: %w", f.Path, err)
	}
	return unchanged(file, f)
}
