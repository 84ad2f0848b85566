# Breaks JSON into lines, two levels deep. Long ones are cut behind what matters of a run.
BEGIN { width = 420 }
{ text = text $0 }
END {
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (quoted) {
      line = line c
      if (c == "\\") line = line substr(text, ++i, 1)
      else if (c == "\"") quoted = 0
      continue
    }
    if (c == "\"") quoted = 1
    if (c ~ /[{[]/ && ++depth <= 2 && substr(text, i + 1, 1) !~ /[]}]/) { flush_line(line c); indent = depth; continue }
    if (c ~ /[]}]/ && depth-- <= 2 && line != "" && line !~ /[{[]$/) { flush_line(line); indent = depth }
    line = line c
    if (c == "," && depth <= 2) { flush_line(line); indent = depth }
  }
  flush_line(line)
}
function flush_line(s) {
  if (length(s) > width) s = substr(s, 1, width) "…"
  if (s != "") printf("%*s%s\n", 2 * indent, "", s)
  line = ""
}
