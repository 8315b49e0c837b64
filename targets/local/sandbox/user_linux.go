package sandbox

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ordinary is the user of an app that names none and runs on the machine's own
// files. It has no entry in any /etc/passwd, so it owns nothing.
const ordinary = 65532

// resolveUser reads the forms that an image's USER may have: user, uid,
// user:group, uid:gid, and their mixtures. Names are those of the root's
// /etc/passwd and /etc/group, or of the machine's when root is "". A uid
// without a group has the group of its passwd entry, or 0.
func resolveUser(root, text string) (identity, error) {
	if text == "" {
		if root == "" {
			return identity{UID: ordinary, GID: ordinary}, nil
		}
		return identity{}, nil
	}
	if root == "" {
		root = "/"
	}
	user, group, hasGroup := strings.Cut(text, ":")
	var id identity
	uid, err := number(user)
	entry, found := lookup(root, "etc/passwd", func(f []string) bool {
		return len(f) >= 4 && (f[0] == user || err == nil && f[2] == user)
	})
	switch {
	case err == nil:
		id.UID = uid
	case !found:
		return identity{}, fmt.Errorf("user %q: no such user in /etc/passwd of the root: name it by its number", user)
	default:
		if id.UID, err = number(entry[2]); err != nil {
			return identity{}, fmt.Errorf("user %q: /etc/passwd: %w", user, err)
		}
	}
	if found {
		if id.GID, err = number(entry[3]); err != nil {
			return identity{}, fmt.Errorf("user %q: /etc/passwd: %w", user, err)
		}
	}
	if !hasGroup {
		if found {
			id.Groups = memberships(root, entry[0])
		}
		return id, nil
	}
	if id.GID, err = number(group); err == nil {
		return id, nil
	}
	entry, found = lookup(root, "etc/group", func(f []string) bool { return len(f) >= 3 && f[0] == group })
	if !found {
		return identity{}, fmt.Errorf("user %q: no group %q in /etc/group of the root: name it by its number", text, group)
	}
	if id.GID, err = number(entry[2]); err != nil {
		return identity{}, fmt.Errorf("user %q: /etc/group: %w", text, err)
	}
	return id, nil
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a user or group number", text)
	}
	return int(n), nil
}

// memberships are the groups that list the user as a member.
func memberships(root, user string) []int {
	var groups []int
	lookup(root, "etc/group", func(f []string) bool {
		if len(f) >= 4 {
			for member := range strings.SplitSeq(f[3], ",") {
				if gid, err := number(f[2]); member == user && err == nil {
					groups = append(groups, gid)
				}
			}
		}
		return false
	})
	return groups
}

// accountsMax bounds what is read of a passwd or group file of an image.
const accountsMax = 4 << 20

// lookup returns the first line, split at its colons, that matches. The file is
// opened below the root, so that a link in an image leads nowhere else.
func lookup(root, name string, match func(fields []string) bool) ([]string, bool) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, false
	}
	defer dir.Close()
	file, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(file, accountsMax))
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if match(fields) {
			return fields, true
		}
	}
	return nil, false
}
