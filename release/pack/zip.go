package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// Numbers of the zip format (APPNOTE.TXT 6.3.10).
const (
	zipLocal      = 0x04034b50
	zipDescriptor = 0x08074b50
	zipCentral    = 0x02014b50
	zip64End      = 0x06064b50
	zip64Locator  = 0x07064b50
	zipEnd        = 0x06054b50

	methodStore   = 0
	methodDeflate = 8

	flagDescriptor = 1 << 3
	flagUTF8       = 1 << 11

	version20 = 20
	version45 = 45 // the first one with zip64
	madeUnix  = 3 << 8

	// dosDate is 1980-01-01, the first day that the format can express; the
	// time of day is 0.
	dosDate = 1<<5 | 1

	max16 = 1<<16 - 1
	max32 = 1<<32 - 1
)

// Modes of zip entries, as Unix has them.
const (
	modeFile = 0o100644
	modeExec = 0o100755
	modeLink = 0o120777
)

// zipWriter frames DEFLATE streams that are compressed already as a zip. It has
// no dates, no owners and no extra fields but those of zip64, so that the same
// entries always give the same bytes.
type zipWriter struct {
	w     io.Writer
	n     int64 // bytes written
	dir   bytes.Buffer
	count int64
	open  *zipEntry
	big   int64 // sizes from here on are written as zip64; max32 but in tests
}

type zipEntry struct {
	name          string
	mode          uint32
	method, flags uint16
	crc           uint32
	packed, size  int64
	offset        int64
	wide          bool // zip64 in the local header and the descriptor
}

func newZipWriter(w io.Writer) *zipWriter { return &zipWriter{w: w, big: max32} }

func (z *zipWriter) write(b []byte) error {
	n, err := z.w.Write(b)
	z.n += int64(n)
	return err
}

// add writes an entry whose packed bytes are at hand.
func (z *zipWriter) add(name string, mode uint32, method uint16, crc uint32, size int64, packed []byte) error {
	e := &zipEntry{name: name, mode: mode, method: method, crc: crc, size: size, packed: int64(len(packed))}
	e.wide = e.size >= z.big || e.packed >= z.big
	if err := z.local(e); err != nil {
		return err
	}
	if err := z.write(packed); err != nil {
		return err
	}
	return z.central(e)
}

// begin starts an entry whose DEFLATE stream follows in pieces by data. Its size
// is known, its checksum and packed size are not: they stand in a descriptor
// behind the stream.
func (z *zipWriter) begin(name string, mode uint32, size int64) error {
	// A stream that cannot be compressed grows by less than a 1,024th.
	e := &zipEntry{name: name, mode: mode, method: methodDeflate, flags: flagDescriptor, size: size, wide: size+size/1024 >= z.big}
	z.open = e
	return z.local(e)
}

func (z *zipWriter) data(packed []byte) error {
	z.open.packed += int64(len(packed))
	return z.write(packed)
}

// end closes the entry that begin started.
func (z *zipWriter) end(crc uint32) error {
	e := z.open
	z.open = nil
	e.crc = crc
	b := binary.LittleEndian.AppendUint32(nil, zipDescriptor)
	b = binary.LittleEndian.AppendUint32(b, crc)
	if e.wide {
		b = binary.LittleEndian.AppendUint64(b, uint64(e.packed))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(e.packed))
		b = binary.LittleEndian.AppendUint32(b, uint32(e.size))
	}
	if err := z.write(b); err != nil {
		return err
	}
	return z.central(e)
}

func (z *zipWriter) local(e *zipEntry) error {
	if len(e.name) > max16 {
		return fmt.Errorf("the name is longer than the %d bytes that a zip can hold", max16)
	}
	if !ascii(e.name) {
		e.flags |= flagUTF8
	}
	e.offset = z.n
	version, packed, size := uint16(version20), uint32(e.packed), uint32(e.size)
	crc := e.crc
	var extra []byte
	if e.flags&flagDescriptor != 0 {
		packed, size, crc = 0, 0, 0
	}
	if e.wide {
		version = version45
		extra = binary.LittleEndian.AppendUint16(extra, 1)
		extra = binary.LittleEndian.AppendUint16(extra, 16)
		if e.flags&flagDescriptor != 0 {
			extra = append(extra, make([]byte, 16)...)
		} else {
			extra = binary.LittleEndian.AppendUint64(extra, uint64(e.size))
			extra = binary.LittleEndian.AppendUint64(extra, uint64(e.packed))
		}
		packed, size = max32, max32
	}
	b := make([]byte, 0, 30+len(e.name)+len(extra))
	b = binary.LittleEndian.AppendUint32(b, zipLocal)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, e.flags)
	b = binary.LittleEndian.AppendUint16(b, e.method)
	b = binary.LittleEndian.AppendUint16(b, 0) // time of day
	b = binary.LittleEndian.AppendUint16(b, dosDate)
	b = binary.LittleEndian.AppendUint32(b, crc)
	b = binary.LittleEndian.AppendUint32(b, packed)
	b = binary.LittleEndian.AppendUint32(b, size)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.name)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(extra)))
	b = append(b, e.name...)
	b = append(b, extra...)
	return z.write(b)
}

// central adds the entry to the directory at the zip's end.
func (z *zipWriter) central(e *zipEntry) error {
	z.count++
	version := uint16(version20)
	packed, size, offset := uint32(e.packed), uint32(e.size), uint32(e.offset)
	var extra []byte
	if e.wide || e.offset >= z.big {
		version = version45
		packed, size, offset = max32, max32, max32
		extra = binary.LittleEndian.AppendUint16(extra, 1)
		extra = binary.LittleEndian.AppendUint16(extra, 24)
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.size))
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.packed))
		extra = binary.LittleEndian.AppendUint64(extra, uint64(e.offset))
	}
	b := make([]byte, 0, 46+len(e.name)+len(extra))
	b = binary.LittleEndian.AppendUint32(b, zipCentral)
	b = binary.LittleEndian.AppendUint16(b, madeUnix|version)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, e.flags)
	b = binary.LittleEndian.AppendUint16(b, e.method)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint16(b, dosDate)
	b = binary.LittleEndian.AppendUint32(b, e.crc)
	b = binary.LittleEndian.AppendUint32(b, packed)
	b = binary.LittleEndian.AppendUint32(b, size)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.name)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(extra)))
	b = binary.LittleEndian.AppendUint16(b, 0) // comment
	b = binary.LittleEndian.AppendUint16(b, 0) // disk
	b = binary.LittleEndian.AppendUint16(b, 0) // internal attributes
	b = binary.LittleEndian.AppendUint32(b, e.mode<<16)
	b = binary.LittleEndian.AppendUint32(b, offset)
	b = append(b, e.name...)
	b = append(b, extra...)
	z.dir.Write(b)
	return nil
}

// close writes the directory.
func (z *zipWriter) close() error {
	start, length := z.n, int64(z.dir.Len())
	if err := z.write(z.dir.Bytes()); err != nil {
		return err
	}
	count16, length32, start32 := uint16(z.count), uint32(length), uint32(start)
	var b []byte
	if z.count >= max16 || length >= z.big || start >= z.big {
		end := z.n
		b = binary.LittleEndian.AppendUint32(b, zip64End)
		b = binary.LittleEndian.AppendUint64(b, 44) // bytes of this record that follow
		b = binary.LittleEndian.AppendUint16(b, madeUnix|version45)
		b = binary.LittleEndian.AppendUint16(b, version45)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(z.count))
		b = binary.LittleEndian.AppendUint64(b, uint64(z.count))
		b = binary.LittleEndian.AppendUint64(b, uint64(length))
		b = binary.LittleEndian.AppendUint64(b, uint64(start))
		b = binary.LittleEndian.AppendUint32(b, zip64Locator)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(end))
		b = binary.LittleEndian.AppendUint32(b, 1)
		count16, length32, start32 = max16, max32, max32
	}
	b = binary.LittleEndian.AppendUint32(b, zipEnd)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint16(b, count16)
	b = binary.LittleEndian.AppendUint16(b, count16)
	b = binary.LittleEndian.AppendUint32(b, length32)
	b = binary.LittleEndian.AppendUint32(b, start32)
	b = binary.LittleEndian.AppendUint16(b, 0)
	return z.write(b)
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
