package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strconv"
)

// Identity is what changes when a file is written to, replaced or moved. It is
// cheap to get: no content is read.
type Identity string

// IdentityOf returns the identity of a file as lstat saw it.
func IdentityOf(info fs.FileInfo) Identity { return Identity(appendIdentity(nil, info)) }

// The device is left out: its number may differ after a restart of the machine.
func appendIdentity(b []byte, info fs.FileInfo) []byte {
	_, inode, changed := system(info)
	b = strconv.AppendUint(b, uint64(info.Mode()), 8)
	for _, n := range []int64{info.Size(), info.ModTime().UnixNano(), changed} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, ' ')
	return strconv.AppendUint(b, inode, 10)
}

// Sum is one identity for all that a walk found: the paths and what is there.
func Sum(entries []Entry) Identity {
	h := sha256.New()
	var line []byte
	for _, e := range entries {
		line = append(line[:0], e.Path...)
		line = append(line, 0)
		line = appendIdentity(line, e.Info)
		line = append(line, 0)
		h.Write(line)
	}
	return Identity(hex.EncodeToString(h.Sum(nil)))
}

// Inode returns the number that tells a file from the one that replaced it, or 0
// on systems that have none.
func Inode(info fs.FileInfo) uint64 {
	_, inode, _ := system(info)
	return inode
}

// ChangedBefore reports whether all entries were last changed before the stamp
// was, by the clock of the file system, which no program can set. Only then is a
// later change sure to show in their identities: two changes within one tick of
// the clock may look like one. An entry on another file system than the stamp's
// may be dated by another clock, and has to be older by two seconds.
func ChangedBefore(entries []Entry, stamp fs.FileInfo) bool {
	const otherClock = 2e9
	device, _, now := system(stamp)
	for _, e := range entries {
		d, _, changed := system(e.Info)
		if d != device {
			changed += otherClock
		}
		if changed >= now {
			return false
		}
	}
	return true
}
