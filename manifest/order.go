package manifest

// ordered sorts names so that each comes after those that next returns for it.
// It hands each circle to report; one of its names then comes before what it
// needs. It does not recurse, since chains may be long.
func ordered(names []string, next func(name string) []string, report func(circle []string)) []string {
	type visit struct {
		name string
		next []string
	}
	const (
		onPath = 1
		done   = 2
	)
	marks := make(map[string]int, len(names))
	order := make([]string, 0, len(names))
	for _, start := range names {
		if marks[start] == done {
			continue
		}
		path := []visit{{start, next(start)}}
		marks[start] = onPath
		for len(path) > 0 {
			top := &path[len(path)-1]
			if len(top.next) == 0 {
				marks[top.name] = done
				order = append(order, top.name)
				path = path[:len(path)-1]
				continue
			}
			name := top.next[0]
			top.next = top.next[1:]
			switch marks[name] {
			case 0:
				marks[name] = onPath
				path = append(path, visit{name, next(name)})
			case onPath:
				var circle []string
				for _, v := range path {
					if len(circle) > 0 || v.name == name {
						circle = append(circle, v.name)
					}
				}
				report(circle)
			}
		}
	}
	return order
}
