package sandbox

// Start and the init talk over a pair of connected sockets, one JSON value
// after the other. Start sends a config, then perhaps commands; the init
// answers with one report that the app started or why it did not, and with one
// when it ended. Whichever side goes away, the other one reads end of file:
// that is how the tree dies with the process that started it. Nothing of it is
// in an argument or the environment, where other users could read it.

// controlFD is the init's end of the pair; standard streams are the app's.
const controlFD = 3

// config is what the init needs to know.
type config struct {
	Command []string
	Dir     string
	Env     []string

	Root     string // "" is the machine's view
	Mounts   []Mount
	ReadOnly bool
	TmpSize  int64
	Hostname string

	Namespaces bool // the init is PID 1 of its own namespaces
	Mapped     bool // and has a user namespace with a single id
	SetUser    bool // the app changes to User
	User       identity

	Loopback bool
	Seccomp  bool // refuse dangerous system calls
	Input    bool // file 0 is a pipe or a terminal
	Terminal bool // the first three files are a terminal
	Watch    int64
	Cgroup   []int // file descriptors: "tasks" files of version 1, or one folder of version 2
	CgroupV2 bool
	Probe    bool // also try what Describe reports
	NoLayer  bool // do not try an overlay
}

// identity is who the app runs as.
type identity struct {
	UID, GID int
	Groups   []int
}

// command is what Start may ask of a running init.
type command struct {
	Kill bool
}

// report is what the init says; one field is set.
type report struct {
	Started *started `json:",omitempty"`
	Failed  *failure `json:",omitempty"`
	Ended   *ended   `json:",omitempty"`
}

// started comes with a file descriptor of the app's process.
type started struct {
	Missing []string
}

// failure is why the app does not run.
type failure struct {
	Text string
	// Sandbox says that the sandbox could not be built, rather than that the
	// command is at fault.
	Sandbox bool
}

// ended is how the app ended.
type ended struct {
	Code        int
	Signal      int
	OutOfMemory bool
	Peak        int64 // bytes, seen by the watch
	MaxRSS      int64 // bytes, the largest process
}
