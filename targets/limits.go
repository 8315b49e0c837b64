package targets

// Limit bounds a number. The zero value bounds nothing.
type Limit struct {
	// Min and Max are allowed themselves; 0 is no bound. The value has to be a
	// multiple of Step; 0 is any.
	Min, Max, Step int64
	// Soft: a value beyond the limit is a warning, because the target, or whoever
	// owns the account, can go beyond it.
	Soft bool
	// Note is sentences that a finding adds to its fix, or "".
	Note string
	// Source is the title and the address of the page that states the limit.
	Source string
}

// Limits are what a target allows. A field that is zero is no limit.
type Limits struct {
	// Memory is of one instance in bytes, CPU in thousandths of a core.
	Memory, CPU Limit
	// Timeout is of one request, Start of an instance until it is ready; both in
	// nanoseconds, as a time.Duration.
	Timeout, Start Limit
	// Request and Answer are the bytes of an HTTP body.
	Request, Answer Limit
	// Env is the bytes of all names and values; Variable those of one
	// "NAME=value".
	Env, Variable Limit
	// Zip is a bundle's bytes, Unpacked those of the files in it, Image those of
	// an image's layers.
	Zip, Unpacked, Image Limit
	// ScaleMin, ScaleMax and Concurrency are those of a scale block.
	ScaleMin, ScaleMax, Concurrency Limit
	// Volumes is how many a service has.
	Volumes Limit
	// Port is where an app may listen.
	Port Limit
	// Name is the length of a service's name.
	Name Limit
}

// Unit is what a limit counts.
type Unit string

// The units.
const (
	UnitMemory   Unit = "memory"   // bytes, written as a quantity: "512Mi"
	UnitCPU      Unit = "cpu"      // thousandths of a core, written as a quantity: "250m"
	UnitDuration Unit = "duration" // nanoseconds, written as in Go: "15m"
	UnitBytes    Unit = "bytes"    // bytes of something that a manifest does not write as a number
	UnitNumber   Unit = "number"
)

// NamedLimit is one of Limits.
type NamedLimit struct {
	// Name is the attribute's path in a manifest, such as "scale.max", or words
	// for what no attribute sets, such as "request body".
	Name string
	Unit Unit
	Limit
}

// List returns the limits that bound something, in the order of a manifest.
func (l Limits) List() []NamedLimit {
	var list []NamedLimit
	for _, n := range []NamedLimit{
		{"service name", UnitNumber, l.Name},
		{"port", UnitNumber, l.Port},
		{"health.start", UnitDuration, l.Start},
		{"cpu", UnitCPU, l.CPU},
		{"memory", UnitMemory, l.Memory},
		{"timeout", UnitDuration, l.Timeout},
		{"scale.min", UnitNumber, l.ScaleMin},
		{"scale.max", UnitNumber, l.ScaleMax},
		{"scale.concurrency", UnitNumber, l.Concurrency},
		{"env, all of it", UnitBytes, l.Env},
		{"env, one variable", UnitBytes, l.Variable},
		{"volumes", UnitNumber, l.Volumes},
		{"request body", UnitBytes, l.Request},
		{"answer body", UnitBytes, l.Answer},
		{"bundle", UnitBytes, l.Zip},
		{"bundle, unpacked", UnitBytes, l.Unpacked},
		{"image", UnitBytes, l.Image},
	} {
		if n.Min != 0 || n.Max != 0 || n.Step != 0 {
			list = append(list, n)
		}
	}
	return list
}

// Nearest returns the allowed value nearest to v, and whether v is allowed
// itself. Between two steps it is the higher one, so that nothing gets less than
// it asks for.
func (l Limit) Nearest(v int64) (nearest int64, ok bool) {
	n := v
	if l.Step > 0 && n%l.Step != 0 {
		n += l.Step - n%l.Step
	}
	if l.Min != 0 {
		n = max(n, l.Min)
	}
	if l.Max != 0 {
		n = min(n, l.Max)
	}
	return n, n == v
}

// Text says the limit in words: "128Mi to 10Gi, in steps of 1Mi".
func (l Limit) Text(u Unit) string {
	var text string
	switch {
	case l.Min != 0 && l.Max != 0 && l.Min == l.Max:
		text = u.Text(l.Min)
	case l.Min != 0 && l.Max != 0:
		text = u.Text(l.Min) + " to " + u.Text(l.Max)
	case l.Max != 0:
		text = "at most " + u.Text(l.Max)
	case l.Min != 0:
		text = "at least " + u.Text(l.Min)
	}
	if l.Step > 1 {
		if text != "" {
			text += ", "
		}
		text += "in steps of " + u.Text(l.Step)
	}
	return text
}

// Feature is something that a manifest can ask of a target.
type Feature string

// The features that a target may lack.
const (
	FeatureSchedule   Feature = "schedule"
	FeatureQueue      Feature = "on.queue"
	FeatureObject     Feature = "on.object"
	FeatureSecret     Feature = "secret"
	FeatureVolume     Feature = "volume"
	FeatureBackground Feature = "background"
	// FeatureDomain is a host name of the service's own, FeatureRollout the steps
	// of a deploy block.
	FeatureDomain  Feature = "domain"
	FeatureRollout Feature = "deploy.steps"
)

// Gap says what is so of a target that lacks a feature. In its texts {service}
// stands for the name of the service, {name} for that of the block, such as the
// schedule's, and {target} for the address of the target.
type Gap struct {
	// Soft: the service runs without it, and a finding is a warning.
	Soft bool
	// The rest is as in Finding.
	Summary, Fix, Limit, Source string
}
