package release

import (
	"context"
	"io"
	"os"
)

// CopyTo makes the release available in another store, as the newest one of its
// service, by links where the file system allows.
func (r *Release) CopyTo(ctx context.Context, dst *Store) error {
	if dst.dir == r.store.dir {
		return nil
	}
	unlock, err := r.store.lock(ctx, blobLock, false)
	if err != nil {
		return err
	}
	defer unlock()
	unlockTo, err := dst.lock(ctx, blobLock, false)
	if err != nil {
		return err
	}
	defer unlockTo()
	if err := r.copyBlobs(ctx, dst); err != nil {
		return err
	}
	return dst.setNewest(ctx, r)
}

// copyBlobs copies the parts before the documents that name them.
func (r *Release) copyBlobs(ctx context.Context, dst *Store) error {
	var list []descriptor
	err := r.blobs(ctx, func(d descriptor) error { list = append(list, d); return nil })
	if err != nil {
		return err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.copyBlob(list[i], dst); err != nil {
			return err
		}
	}
	return nil
}

func (r *Release) copyBlob(d descriptor, dst *Store) error {
	if dst.has(d) {
		return nil
	}
	if r.store.has(d) && linkBlob(r.store.blobPath(string(d.Digest)), dst, d) {
		return nil
	}
	src, err := r.store.open(d)
	if err != nil {
		return err
	}
	defer src.Close()
	w, err := dst.newBlob()
	if err != nil {
		return err
	}
	defer w.abort()
	if _, err := io.Copy(w, src); err != nil {
		return err
	}
	_, err = w.commit(d.MediaType)
	return err
}

// linkBlob links a blob into a store, replacing one that is there but damaged.
func linkBlob(path string, dst *Store, d descriptor) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	to := dst.blobPath(string(d.Digest))
	err = os.Link(path, to)
	if os.IsExist(err) {
		if os.Remove(to) == nil {
			err = os.Link(path, to)
		}
	}
	return err == nil
}
