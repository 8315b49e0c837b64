package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/gateway"
	"github.com/twofoldhq/twofold/targets/queue"
	"github.com/twofoldhq/twofold/targets/secretfile"
)

const streamPage = "Redis Streams, https://redis.io/docs/latest/develop/data-types/streams/"

// stream is where the messages of a source are.
type stream struct {
	url string
	// password is the name of the secret with the server's password, or "".
	password string
}

var (
	secretName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainKey   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// key is a source as the key of a map in a manifest.
func key(source string) string {
	if plainKey.MatchString(source) {
		return source
	}
	return strconv.Quote(source)
}

// readQueues never repeats a value: one that is wrong may hold a password.
func (s *settings) readQueues(v schema.Values) error {
	s.queues = map[string]stream{}
	urls, passwords := v.StringMap("queues"), v.StringMap("queue_passwords")
	for _, source := range slices.Sorted(maps.Keys(urls)) {
		err := queue.CheckURL(urls[source])
		if errors.Is(err, queue.ErrPassword) {
			return wrong("queues", fmt.Sprintf("a password in the URL of %s", source), fmt.Sprintf("Remove it, and write queue_passwords = { %s = \"NAME\" }, where NAME is a variable of the machine that deploys, or of twofold.secrets.", key(source)))
		}
		if err != nil {
			return wrong("queues", fmt.Sprintf("the URL of %s is not that of a stream: %v", source, err), "Write one such as \"redis://queue:6379/0/orders\": the host, the number of the database, the name of the stream.")
		}
		s.queues[source] = stream{url: urls[source]}
	}
	for _, source := range slices.Sorted(maps.Keys(passwords)) {
		one, ok := s.queues[source]
		if !ok {
			return wrong("queue_passwords", fmt.Sprintf("there is no %s in queues", source), "Name a source that queues names too.")
		}
		if !secretName.MatchString(passwords[source]) {
			return wrong("queue_passwords", fmt.Sprintf("what %s has is not the name of a secret", source), "Write the name, such as \"ORDERS_PASSWORD\", and keep the password itself in a variable of that name on the machine that deploys, or in twofold.secrets.")
		}
		one.password = passwords[source]
		s.queues[source] = one
	}
	return nil
}

// checkQueues reports queues that the target block does not place, and messages that
// two blocks want.
func (s settings) checkQueues(target string, w targets.Workload) []targets.Finding {
	var found []targets.Finding
	taken := map[string]string{}
	for _, t := range w.Triggers {
		if t.Kind != targets.TriggerQueue {
			continue
		}
		finding := targets.Finding{Severity: targets.Error, Path: "on.queue." + t.Name, Source: streamPage}
		one, ok := s.queues[t.Source]
		switch other := taken[one.url]; {
		case !ok:
			finding.Summary = fmt.Sprintf("%s.%s does not know the queue %q", name, target, t.Source)
			finding.Fix = fmt.Sprintf("Write queues = { %s = \"redis://HOST:6379/0/%s\" } in the block target \"docker\" %q, with the stream of a Redis server that the engine's machine reaches; or write target = target.lambda.NAME in the block on \"queue\" %q.", key(t.Source), url.PathEscape(t.Source), target, t.Name)
			finding.Limit = "an engine has no queues of its own, and takes messages from the streams that its target block names"
		case other != "":
			finding.Summary = fmt.Sprintf("on \"queue\" %q takes the messages of the same stream", other)
			finding.Fix = "Remove one of the two blocks: a message goes to one of them only."
			finding.Limit = "a service has one consumer group of a stream"
		default:
			taken[one.url] = t.Name
			continue
		}
		found = append(found, finding)
	}
	return found
}

// leastPause is how long a message waits at least until it is posted again: the time
// for which SQS hides one by default.
const leastPause = 30 * time.Second

// queuesOf are the queues of a deployment, in the gateway's words.
func (s settings) queuesOf(d targets.Deployment, group string, parallel int) (list []queue.Queue, err error) {
	for _, t := range d.Triggers {
		one, ok := s.queues[t.Source]
		if t.Kind != targets.TriggerQueue || !ok {
			return nil, fmt.Errorf("on %q %q: the target has no source for it; twofold check says more", t.Kind, t.Name)
		}
		list = append(list, queue.Queue{
			Name: t.Name, Source: t.Source, Path: t.Path, Batch: t.Batch, Whole: t.Whole,
			URL: one.url, Password: one.password, Group: group, Parallel: parallel, Pause: max(leastPause, d.Timeout),
		})
	}
	return list, nil
}

// queueSecrets are the passwords of a deployment's queues, as secrets.
func (s settings) queueSecrets(d targets.Deployment) (list []targets.Secret) {
	known := map[string]bool{}
	for _, t := range d.Triggers {
		if one := s.queues[t.Source]; t.Kind == targets.TriggerQueue && one.password != "" && !known[one.password] {
			known[one.password] = true
			list = append(list, targets.Secret{Name: one.password, From: "the password of " + one.url})
		}
	}
	return list
}

// queueTrouble says which queue takes no messages, or "".
func queueTrouble(live gateway.RouteStatus) string {
	for _, q := range live.Taken {
		if q.Problem != "" {
			return fmt.Sprintf("on \"queue\" %q takes no messages: %s", q.Name, q.Problem)
		}
	}
	return ""
}

// secretValues are the values of a deployment's secrets: those of the app, and those
// that only its gateway gets.
type secretValues struct{ app, queues secretfile.Values }

// lookUp finds the secrets on the machine that deploys.
func (t *Target) lookUp(ctx context.Context, d targets.Deployment) (v secretValues, warnings []string, err error) {
	forQueues := t.settings.queueSecrets(d)
	all := slices.Clone(d.Secrets)
	for _, secret := range forQueues {
		if !slices.ContainsFunc(all, func(s targets.Secret) bool { return s.Name == secret.Name }) {
			all = append(all, secret)
		}
	}
	values, warnings, err := secretfile.Resolve(ctx, d.Dir, os.LookupEnv, all)
	if err != nil {
		return v, nil, err
	}
	pick := func(list []targets.Secret) secretfile.Values {
		picked := secretfile.Values{}
		for _, secret := range list {
			picked[secret.Name] = values[secret.Name]
		}
		return picked
	}
	return secretValues{app: pick(d.Secrets), queues: pick(forQueues)}, warnings, nil
}
