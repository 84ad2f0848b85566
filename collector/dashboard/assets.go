package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed static templates
var files embed.FS

// assets are the style and the script, under names that change with what is in them, so that
// browsers keep them for ever.
type assets struct {
	paths map[string]string // by file
	data  map[string][]byte // by what is behind /static/
}

func newAssets() assets {
	a := assets{map[string]string{}, map[string][]byte{}}
	for _, name := range []string{"style.css", "app.js", "icon.svg"} {
		data, err := files.ReadFile("static/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		sum := sha256.Sum256(data)
		stem, ext, _ := strings.Cut(name, ".")
		hashed := stem + "-" + hex.EncodeToString(sum[:6]) + "." + ext
		a.paths[name], a.data[hashed] = "/static/"+hashed, data
	}
	return a
}

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	data, ok := a.data[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // who has left misses it
}
