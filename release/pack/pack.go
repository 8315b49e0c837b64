// Package pack frames the files of an app tree twice in one pass: as the layer of
// an image (a gzipped tar) and as a function bundle (a zip).
//
// Both formats hold DEFLATE streams. A file of 32 KB or more is compressed once, in
// chunks that end at a byte's border, and the same bytes go into both. Smaller
// files are grouped for the layer, where they compress better together, and are
// compressed alone for the zip. Chunks and groups are compressed in parallel and
// written in order, so the output depends neither on the number of processors nor
// on timing, and memory does not grow with the size of the tree.
package pack

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"runtime"
	"sync"

	"github.com/twofoldhq/twofold/build"
	"github.com/twofoldhq/twofold/release/tree"
)

const (
	// bigFile is the size in bytes from which a file is compressed once for both
	// formats: DEFLATE's window. Source code of 8 to 400 KB takes a seventh less
	// time with it than with 64 KB, and its layer is 0.8 % larger; with 16 KB, 4 %.
	bigFile = 32 << 10
	// chunkSize is how much of a big file is compressed at a time.
	chunkSize = 1 << 20
	// groupSize is how many bytes of tar make a group of small files full.
	groupSize = 512 << 10
	// level is klauspost's. On Go binaries and two cores level 1 is a third
	// faster and a sixth larger; levels above 6 take twice the time and more.
	level = 6
)

// Extra is a file that stands in the bundle's root only.
type Extra struct {
	Name       string
	Executable bool
	// Data is the content, or, if Gzip is set, the content as one gzip member,
	// whose DEFLATE stream goes into the zip as it is.
	Data []byte
	Gzip bool
}

// Options say what stands around the files.
type Options struct {
	// Dir is the folder that holds the files in both formats, such as "app".
	Dir string
	// Extras are the first entries of the bundle.
	Extras []Extra
	// Workers is how many goroutines compress, or 0 for one a processor.
	Workers int
}

// Result is what is known once all was read.
type Result struct {
	// DiffID is the digest of the layer before compression, "sha256:...".
	DiffID string
	// Files are the files with their digests, in the order given.
	Files []tree.File
	// Unpacked is the number of bytes of the bundle's files when unpacked.
	Unpacked int64
}

// ErrChanged is a file that is no longer what the build left.
var ErrChanged = errors.New("it changed after the build: build again")

// Pack writes files, which are sorted by path, as a gzipped tar to layer and
// with the extras as a zip to bundle. A file that changed since its Info was
// taken, or that changes while it is read, is an error that wraps ErrChanged.
func Pack(ctx context.Context, files []build.File, o Options, layer, bundle io.Writer) (Result, error) {
	w := &writer{layer: layer, zip: newZipWriter(bundle), tarHash: sha256.New(), dir: o.Dir}
	if err := w.start(o.Extras); err != nil {
		return Result{}, err
	}
	if err := run(ctx, files, o, w.emit); err != nil {
		return Result{}, err
	}
	return w.finish()
}

// run reads and compresses the files in parallel, and hands the parts to emit in
// order.
func run(ctx context.Context, files []build.File, o Options, emit func(*part) error) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	window := 2*workers + 2
	free := make(chan *part, window)
	for range window {
		free <- &part{}
	}
	order, work := make(chan *part, window), make(chan *part, window)
	var wg sync.WaitGroup
	p := &planner{ctx: ctx, dir: o.Dir, free: free, order: order, work: work, seen: map[string]bool{}}
	wg.Go(func() { p.plan(files) })
	for range workers {
		wg.Go(func() { compress(ctx, work) })
	}
	err := drain(order, free, emit, cancel)
	wg.Wait()
	p.closeFiles()
	if err == nil {
		err = context.Cause(ctx)
	}
	cancel()
	return err
}

// compress packs parts until there are no more.
func compress(ctx context.Context, work <-chan *part) {
	c, err := newCompressor()
	for part := range work {
		if part.err = err; err == nil {
			part.err = part.pack(ctx, c)
		}
		close(part.done)
	}
}

// drain emits the parts in order until the first error, which it returns.
func drain(order <-chan *part, free chan<- *part, emit func(*part) error, cancel func()) error {
	var first error
	for part := range order {
		<-part.done
		err := part.err
		if first == nil && err == nil {
			err = emit(part)
		}
		if first == nil && err != nil {
			first = err
			cancel()
		}
		free <- part
	}
	return first
}

// writer writes parts, in order, in both formats.
type writer struct {
	layer   io.Writer
	zip     *zipWriter
	dir     string
	tarHash hash.Hash
	tarCRC  uint32
	tarSize int64
	result  Result

	big     hash.Hash // of the big file that is being written
	bigCRC  uint32
	bigSize int64
}

func (w *writer) start(extras []Extra) error {
	for _, x := range extras {
		if err := w.extra(x); err != nil {
			return fmt.Errorf("%q: %w", x.Name, err)
		}
	}
	_, err := w.layer.Write(gzipHeader)
	return err
}

func (w *writer) extra(x Extra) error {
	mode := uint32(modeFile)
	if x.Executable {
		mode = modeExec
	}
	if !x.Gzip {
		w.result.Unpacked += int64(len(x.Data))
		return w.zip.add(x.Name, mode, methodStore, crc32.ChecksumIEEE(x.Data), int64(len(x.Data)), x.Data)
	}
	stream, crc, size, err := splitGzip(x.Data)
	if err != nil {
		return err
	}
	w.result.Unpacked += int64(size)
	return w.zip.add(x.Name, mode, methodDeflate, crc, int64(size), stream)
}

func (w *writer) emit(p *part) error {
	w.tarHash.Write(p.raw)
	w.tarCRC = crc32.Update(w.tarCRC, crc32.IEEETable, p.raw)
	w.tarSize += int64(len(p.raw))
	if _, err := w.layer.Write(p.packed.Bytes()); err != nil {
		return err
	}
	if p.big != nil {
		return w.chunk(p)
	}
	for i := range p.items {
		if err := w.item(p, &p.items[i]); err != nil {
			return err
		}
	}
	return nil
}

// chunk writes a chunk of a big file into the zip.
func (w *writer) chunk(p *part) error {
	f := p.big.file
	if p.offset == 0 {
		w.big, w.bigCRC, w.bigSize = sha256.New(), 0, 0
		if err := w.zip.begin(w.dir+"/"+f.Path, mode(f), f.Info.Size()); err != nil {
			return err
		}
	}
	w.big.Write(p.raw)
	w.bigCRC = crc32.Update(w.bigCRC, crc32.IEEETable, p.raw)
	w.bigSize += int64(len(p.raw))
	if err := w.zip.data(p.packed.Bytes()); err != nil {
		return err
	}
	if w.bigSize < f.Info.Size() {
		return nil
	}
	if err := w.zip.data(deflateEnd); err != nil {
		return err
	}
	if err := w.zip.end(w.bigCRC); err != nil {
		return err
	}
	w.add(f, hex.EncodeToString(w.big.Sum(nil)))
	return p.big.finish()
}

// item writes a small file or a link into the zip. The layer has it already.
func (w *writer) item(p *part, it *item) error {
	if !it.zipped {
		return nil
	}
	name := w.dir + "/" + it.file.Path
	var err error
	if it.file.Link != "" {
		link := []byte(it.file.Link)
		err = w.zip.add(name, modeLink, methodStore, crc32.ChecksumIEEE(link), int64(len(link)), link)
		w.result.Files = append(w.result.Files, tree.File{Path: it.file.Path, Link: it.file.Link})
		return err
	}
	content := p.raw[it.start : it.start+it.size]
	packed, method := p.alone.Bytes()[it.packedStart:it.packedEnd], uint16(methodDeflate)
	if len(packed) >= len(content) {
		packed, method = content, methodStore
	}
	w.add(it.file, hex.EncodeToString(it.sum[:]))
	return w.zip.add(name, mode(it.file), method, it.crc, int64(len(content)), packed)
}

func (w *writer) add(f *build.File, sum string) {
	w.result.Files = append(w.result.Files, tree.File{Path: f.Path, Executable: f.Executable, Size: f.Info.Size(), SHA256: sum})
	w.result.Unpacked += f.Info.Size()
}

func (w *writer) finish() (Result, error) {
	end := binary.LittleEndian.AppendUint32(append([]byte(nil), deflateEnd...), w.tarCRC)
	end = binary.LittleEndian.AppendUint32(end, uint32(w.tarSize))
	if _, err := w.layer.Write(end); err != nil {
		return Result{}, err
	}
	if err := w.zip.close(); err != nil {
		return Result{}, err
	}
	w.result.DiffID = "sha256:" + hex.EncodeToString(w.tarHash.Sum(nil))
	return w.result, nil
}

func mode(f *build.File) uint32 {
	if f.Executable {
		return modeExec
	}
	return modeFile
}
