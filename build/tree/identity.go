package tree

import (
	"io/fs"
	"strconv"
)

// Identity is what changes when a file is written to, replaced or moved. It is
// cheap to get: no content is read.
type Identity string

// IdentityOf returns the identity of a file as lstat saw it.
func IdentityOf(info fs.FileInfo) Identity { return Identity(appendIdentity(nil, info)) }

func appendIdentity(b []byte, info fs.FileInfo) []byte {
	inode, changed := system(info)
	b = strconv.AppendUint(b, uint64(info.Mode()), 8)
	for _, n := range []int64{info.Size(), info.ModTime().UnixNano(), changed} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, ' ')
	return strconv.AppendUint(b, inode, 10)
}

// Changed returns when a file was last changed in any way, in nanoseconds since
// 1970 by the clock of the file system. Unlike the modification time, a program
// cannot set it.
func Changed(info fs.FileInfo) int64 {
	_, changed := system(info)
	return changed
}

// Inode returns the number that tells a file from the one that replaced it, or 0
// on systems that have none.
func Inode(info fs.FileInfo) uint64 {
	inode, _ := system(info)
	return inode
}
