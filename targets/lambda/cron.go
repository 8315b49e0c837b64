package lambda

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// scheduleForms are the words that stand for a cron.
var scheduleForms = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

var weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

// scheduleExpression writes a cron of five fields as EventBridge Scheduler takes it:
// with a year, with "?" for one of the two day fields, and with names for the days of
// the week, which it numbers from 1. Source: schedulePage.
func scheduleExpression(cron string) (string, error) {
	if form, ok := scheduleForms[strings.ToLower(cron)]; ok {
		cron = form
	}
	fields := strings.Fields(cron)
	if len(fields) != 5 {
		return "", fmt.Errorf("cron %q has not five fields", cron)
	}
	month, day, week := strings.ToUpper(fields[3]), fields[2], fields[4]
	switch {
	case free(week):
		week = "?"
		if day == "?" {
			day = "*"
		}
	case free(day):
		var err error
		if week, err = weekdayNames(week); err != nil {
			return "", fmt.Errorf("cron %q: %w", cron, err)
		}
		day = "?"
	default:
		return "", fmt.Errorf("cron %q: EventBridge Scheduler takes a day of the month or a day of the week, not both", cron)
	}
	bounds := []struct{ low, high int }{{0, 59}, {0, 23}, {1, 31}, {1, 12}}
	parts := []string{fields[0], fields[1], day, month}
	for i, part := range parts {
		parts[i] = steps(part, bounds[i].low, bounds[i].high)
	}
	return "cron(" + strings.Join(parts, " ") + " " + week + " *)", nil
}

// steps writes a step within a range as a list: the scheduler has steps from a first
// value only.
func steps(field string, low, high int) string {
	var terms []string
	for _, term := range strings.Split(field, ",") {
		begin, step, stepped := strings.Cut(term, "/")
		from, to, ranged := strings.Cut(begin, "-")
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		every, err3 := strconv.Atoi(step)
		switch {
		case stepped && begin == "*":
			terms = append(terms, fmt.Sprintf("%d/%s", low, step))
		case stepped && ranged && err1 == nil && err2 == nil && err3 == nil && every > 0:
			for n := max(first, low); n <= min(last, high); n += every {
				terms = append(terms, strconv.Itoa(n))
			}
		default:
			terms = append(terms, term)
		}
	}
	return strings.Join(terms, ",")
}

// weekdayNames writes the days of the week, numbered from 0 for Sunday, as a list of
// names.
func weekdayNames(field string) (string, error) {
	var chosen [7]bool
	for _, term := range strings.Split(field, ",") {
		begin, step, stepped := strings.Cut(term, "/")
		every := 1
		if stepped {
			var err error
			if every, err = strconv.Atoi(step); err != nil || every < 1 {
				return "", fmt.Errorf("%q is no step", step)
			}
		}
		from, to, ranged := strings.Cut(begin, "-")
		first, last := 0, 6
		if begin != "*" && begin != "?" {
			var err error
			if first, err = weekday(from); err != nil {
				return "", err
			}
			switch {
			case ranged:
				if last, err = weekday(to); err != nil {
					return "", err
				}
			case !stepped:
				last = first
			}
		}
		for n := first; n <= last; n += every {
			chosen[n] = true
		}
	}
	var names []string
	for n, is := range chosen {
		if is {
			names = append(names, weekdays[n])
		}
	}
	if len(names) == 0 {
		return "", fmt.Errorf("%q is no day of the week", field)
	}
	return strings.Join(names, ","), nil
}

func weekday(text string) (int, error) {
	if n := slices.Index(weekdays, strings.ToUpper(text)); n >= 0 {
		return n, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 6 {
		return 0, fmt.Errorf("%q is no day of the week", text)
	}
	return n, nil
}
