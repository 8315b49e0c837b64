package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// cronField is one of the five fields of a schedule: what it counts, from where
// to where, and the names that may stand for numbers.
type cronField struct {
	name     string
	from, to int
	names    []string
}

// The fields of crontab(5), which Kubernetes, cloud schedulers and we share.
var cronFields = []cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	// Kubernetes takes no 7 for Sunday.
	{"day of the week", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

var cronForms = []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}

const cronWanted = "Write five fields: minute, hour, day of the month, month and day of the week, such as \"0 3 * * *\" for three o'clock every night; or @hourly, @daily, @weekly, @monthly or @yearly."

// checkCron returns what is wrong with a schedule, as sentences, or "".
func checkCron(text string) string {
	if len(text) > 256 {
		return "It is longer than 256 characters. " + cronWanted
	}
	if strings.HasPrefix(text, "@") {
		return checkCronForm(text)
	}
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return "The time zone has an attribute of its own: timezone. Write the five fields without it."
	}
	if strings.HasPrefix(text, "rate(") || strings.HasPrefix(text, "cron(") {
		return "This is the form of one platform. " + suggestCron(betterCron(text))
	}
	fields := strings.Fields(text)
	switch len(fields) {
	case 5:
	case 6:
		better := strings.Join(fields[1:], " ")
		if strings.Contains(text, "?") {
			better = betterCron("cron(" + text + ")")
		}
		return "It has six fields, and a schedule has five: there are no seconds and no years. " + suggestCron(better)
	default:
		return fmt.Sprintf("It has %s. ", countFields(len(fields))) + cronWanted
	}
	var days, months []bool
	for i, field := range cronFields {
		allowed, problem := field.parse(fields[i])
		if problem != "" {
			return problem
		}
		switch i {
		case 2:
			days = allowed
		case 3:
			months = allowed
		}
	}
	if fields[4] == "*" && !dayExists(days, months) {
		return "There is no such day in any of these months, so it would never run."
	}
	return ""
}

// suggestCron asks whether a form is meant, if it is one.
func suggestCron(better string) string {
	if better != "" && checkCron(better) == "" {
		return fmt.Sprintf("Did you mean %q?", better)
	}
	return cronWanted
}

var rate = regexp.MustCompile(`^rate\(\s*([0-9]{1,4})\s+(minute|hour|day)s?\s*\)$`)

// betterCron returns what "rate(5 minutes)" and "cron(0 3 * * ? *)" mean, or "".
// There days of the week count from 1.
func betterCron(text string) string {
	if m := rate.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		switch {
		case m[2] == "minute" && n == 1:
			return "* * * * *"
		case m[2] == "minute" && n < 60 && n > 0 && 60%n == 0:
			return fmt.Sprintf("*/%d * * * *", n)
		case m[2] == "hour" && n == 1, m[2] == "minute" && n == 60:
			return "@hourly"
		case m[2] == "hour" && n < 24 && n > 0 && 24%n == 0:
			return fmt.Sprintf("0 */%d * * *", n)
		case m[2] == "day" && n == 1, m[2] == "hour" && n == 24:
			return "@daily"
		}
		return ""
	}
	inner, isCron := strings.CutPrefix(strings.TrimSuffix(text, ")"), "cron(")
	fields := strings.Fields(inner)
	if !isCron || len(fields) < 5 || strings.ContainsAny(fields[4], "0123456789") || len(fields) == 6 && fields[5] != "*" {
		return ""
	}
	return strings.ReplaceAll(strings.Join(fields[:5], " "), "?", "*")
}

func countFields(n int) string {
	switch n {
	case 0:
		return "no fields"
	case 1:
		return "one field"
	}
	return fmt.Sprintf("%d fields", n)
}

func checkCronForm(text string) string {
	for _, form := range cronForms {
		if text == form {
			return ""
		}
	}
	if better := strings.ToLower(text); better != text && contains(cronForms, better) {
		return fmt.Sprintf("Did you mean %q?", better)
	}
	if strings.HasPrefix(text, "@every") {
		return "@every counts from a start that most platforms do not have. Write the minutes or hours instead: \"*/5 * * * *\" is every five minutes, \"0 */2 * * *\" every two hours."
	}
	if text == "@reboot" {
		return "There is no start of a machine to count from. Use a hook for what is done once with each deploy."
	}
	return didYouMean(text, cronForms, "The forms are")
}

// parse returns which numbers a field allows, by number.
func (f cronField) parse(text string) (allowed []bool, problem string) {
	allowed = make([]bool, f.to+1)
	for _, part := range strings.Split(text, ",") {
		span, stepText, hasStep := strings.Cut(part, "/")
		step := 1
		if hasStep {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 || n > f.to {
				return nil, fmt.Sprintf("The step %q of the %s is not a number from 1 to %d.", stepText, f.name, f.to)
			}
			step = n
		}
		from, to := f.from, f.to
		if span != "*" {
			low, high, isRange := strings.Cut(span, "-")
			var problem string
			if from, problem = f.number(low); problem != "" {
				return nil, problem
			}
			switch {
			case isRange:
				if to, problem = f.number(high); problem != "" {
					return nil, problem
				}
				if to < from {
					return nil, fmt.Sprintf("The %s goes from %s to %s, which is backwards. Write two parts with a comma between them.", f.name, low, high)
				}
			case !hasStep:
				to = from
			}
		}
		for n := from; n <= to; n += step {
			allowed[n] = true
		}
	}
	return allowed, ""
}

func (f cronField) number(text string) (n int, problem string) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return i + f.from, ""
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return 0, fmt.Sprintf("A part of the %s is empty. Between two parts stands a comma without a space, such as 0,30.", f.name)
	case err != nil && strings.ContainsAny(text, "?LW#"):
		return 0, fmt.Sprintf("%q in the %s is of one platform's own cron, and not every target has it. Use numbers, *, -, / and commas.", text, f.name)
	case err != nil || strings.HasPrefix(text, "+") || len(text) > 2:
		return 0, fmt.Sprintf("%q is not a %s. Use %s.", text, f.name, f.allowed())
	case n == 7 && f.to == 6:
		return 0, "The day of the week is 7, which not every target takes for Sunday. Write 0 or sun."
	case n < f.from || n > f.to:
		return 0, fmt.Sprintf("The %s is %d, and has to be %s.", f.name, n, f.allowed())
	}
	return n, ""
}

func (f cronField) allowed() string {
	text := fmt.Sprintf("a number from %d to %d", f.from, f.to)
	if f.names != nil {
		text += fmt.Sprintf(", or %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	return text
}

// daysOf is how many days a month has at most.
var daysOf = []int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func dayExists(days, months []bool) bool {
	for month, allowed := range months {
		for day := 1; allowed && day <= daysOf[month]; day++ {
			if days[day] {
				return true
			}
		}
	}
	return false
}
