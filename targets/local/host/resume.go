package host

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/twofoldhq/twofold/targets"
)

// resume brings back a deployment that a supervisor before left on disk. It is
// called again until it returns true. The caller has the turn.
func (d *deployment) resume(ctx context.Context) bool {
	d.mu.Lock()
	r, w, listens := d.record, d.current, d.gateway != nil
	d.mu.Unlock()
	if r == nil || (w != nil && listens) {
		return true
	}
	var err error
	if w == nil {
		if w, err = d.remake(ctx, r); err != nil {
			d.fails(err)
			return false
		}
	}
	l, err := listenOn(r.Port)
	if err != nil {
		d.fails(portError(r.Port, err))
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gateway, d.problem = newGateway(l, w, d.s.logger), ""
	d.setSchedules(r.Spec.Schedules)
	return true
}

func (d *deployment) remake(ctx context.Context, r *Record) (workload, error) {
	dir := d.releaseDir(releaseName(r.Release))
	if !dir.exists() {
		return nil, errors.New("its release is gone from the local host's folder: `twofold deploy` puts it back")
	}
	log, err := d.openLog()
	if err != nil {
		return nil, err
	}
	o := order{record: r, release: dir, log: log, name: d.workloadName(), deploymentDir: d.dir, resumed: true}
	if o.secrets, err = r.readSecrets(d.dir); err != nil {
		return nil, err
	}
	if o.mounts, err = d.s.layout.openVolumes(d.key, r.Spec.Volumes, func(targets.Event) {}); err != nil {
		return nil, err
	}
	w, err := d.s.make(ctx, o)
	if err != nil {
		return nil, err
	}
	d.hold(releaseName(r.Release))
	w.run()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current = w
	return w, nil
}

func (d *deployment) fails(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.problem != err.Error() {
		d.problem = err.Error()
		d.s.logger.Printf("deployment %s: %v", filepath.Base(d.dir), err)
	}
}
