package strict

import "strings"

// suggest returns the key that was probably meant: one that differs by a typing
// error, or one of the same name in another section.
func (s *Schema) suggest(key string) (best string, ok bool) {
	limit := min(2, len(leaf(key))/2) + 1
	for _, known := range s.allKeys() {
		if d := distance(key, known, limit); d < limit {
			best, limit = known, d
		}
	}
	if best != "" {
		return best, true
	}
	for _, known := range s.allKeys() {
		if leaf(known) == leaf(key) {
			return known, true
		}
	}
	return "", false
}

func leaf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// parent is the section of a key, "" when it is in none.
func parent(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }

// allKeys returns every key that is documented, sections included.
func (s *Schema) allKeys() []string {
	var keys []string
	seen := map[string]bool{"": true}
	var add func(key string)
	add = func(key string) {
		if !seen[key] {
			seen[key] = true
			add(parent(key))
			keys = append(keys, key)
		}
	}
	for _, o := range s.Options {
		add(o.Key)
	}
	for _, l := range s.Later {
		add(l.Key)
	}
	return keys
}

// distance is the Levenshtein distance of a and b, or limit when their lengths
// alone make it that large.
func distance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1) // the distances of a[:i] from every b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
