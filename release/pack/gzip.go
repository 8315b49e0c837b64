package pack

import (
	"encoding/binary"
	"errors"
)

// gzipHeader has no name, no time, and "unknown" as the operating system.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// deflateEnd is an empty block with the mark of the last one. It ends a DEFLATE
// stream that is made of parts which end at a byte's border.
var deflateEnd = []byte{0x03, 0x00}

var errGzip = errors.New("not one whole gzip member")

// splitGzip returns the DEFLATE stream of a gzip file of one member, with the
// checksum and the size (modulo 2^32) of what it unpacks to (RFC 1952).
func splitGzip(b []byte) (stream []byte, crc, size uint32, err error) {
	if len(b) < 18 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return nil, 0, 0, errGzip
	}
	flags, rest := b[3], b[10:]
	if flags&4 != 0 { // extra field
		if len(rest) < 2 {
			return nil, 0, 0, errGzip
		}
		n := 2 + int(binary.LittleEndian.Uint16(rest))
		if len(rest) < n {
			return nil, 0, 0, errGzip
		}
		rest = rest[n:]
	}
	for _, flag := range []byte{8, 16} { // name, comment
		if flags&flag == 0 {
			continue
		}
		n := 0
		for n < len(rest) && rest[n] != 0 {
			n++
		}
		if n == len(rest) {
			return nil, 0, 0, errGzip
		}
		rest = rest[n+1:]
	}
	if flags&2 != 0 { // checksum of the header
		if len(rest) < 2 {
			return nil, 0, 0, errGzip
		}
		rest = rest[2:]
	}
	if len(rest) < 10 {
		return nil, 0, 0, errGzip
	}
	end := len(rest) - 8
	return rest[:end], binary.LittleEndian.Uint32(rest[end:]), binary.LittleEndian.Uint32(rest[end+4:]), nil
}
