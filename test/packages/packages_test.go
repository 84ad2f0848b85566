//go:build lab

package packages

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	version = "0.1.0"
	root    = "../.."
)

// programs are packaged apart.
var programs = []string{"puppet-cron", "puppet-cron-collector"}

// names are a package's file in each format, by the name of the architecture there.
var formats = map[string]struct {
	file   string // of program and architecture
	arches map[string]string
	list   []string // a command that lists its files
}{
	"deb":       {"%s_" + version + "-1_%s.deb", map[string]string{"amd64": "amd64", "arm64": "arm64"}, []string{"sh", "-c", "dpkg-deb --fsys-tarfile $0 | tar -t"}},
	"rpm":       {"%s-" + version + "-1.%s.rpm", map[string]string{"amd64": "x86_64", "arm64": "aarch64"}, []string{"rpm", "--query", "--list", "--package"}},
	"apk":       {"%s_" + version + "-r1_%s.apk", map[string]string{"amd64": "x86_64", "arm64": "aarch64"}, []string{"tar", "--ignore-zeros", "-tzf"}},
	"archlinux": {"%s-" + version + "-1-%s.pkg.tar.zst", map[string]string{"amd64": "x86_64", "arm64": "aarch64"}, []string{"tar", "--zstd", "-tf"}},
}

func run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, stderr.Bytes())
	}
	return string(out)
}

// build makes the packages of a source tree.
func build(t *testing.T, source, umask string) (dist string) {
	t.Helper()
	dist = filepath.Join(t.TempDir(), "dist")
	// The time of the files must not be that of the build, and a clone has its own.
	run(t, []string{"DIST=" + dist, "SOURCE_DATE_EPOCH=1795737600"}, "sh", "-c", "umask "+umask+" && exec "+filepath.Join(source, "packaging/build")+" "+version)
	return dist
}

func sums(t *testing.T, dist string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dist, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		all[e.Name()] = hex.EncodeToString(sum[:])
	}
	return all
}

func TestPackages(t *testing.T) {
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dist := build(t, here, "022")
	t.Run("reproducible", func(t *testing.T) { reproducible(t, dist) })
	t.Run("checksums", func(t *testing.T) { checksums(t, dist) })
	t.Run("contents", func(t *testing.T) { contents(t, dist) })
	t.Run("sbom", func(t *testing.T) { sbom(t, dist) })
	t.Run("lintian", func(t *testing.T) { lintian(t, dist) })
	t.Run("install", func(t *testing.T) { install(t, dist) })
}

// The same source elsewhere, by somebody with another umask, makes the same bytes.
func reproducible(t *testing.T, dist string) {
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	run(t, nil, "sh", "-c", `umask 077; mkdir "$0"; git -c core.quotePath=off ls-files -z --cached --others --exclude-standard |
		tar --null --no-recursion --ignore-failed-read -T - -cf - 2>/dev/null | tar -xf - -C "$0"; cp -r .git "$0"`, elsewhere)
	first, second := sums(t, dist), sums(t, build(t, elsewhere, "077"))
	if len(first) != len(second) || len(first) != 2*2*(4+1)+1 {
		t.Errorf("%d and %d files", len(first), len(second))
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s is another one when it is built again", name)
		}
	}
	t.Logf("%d files are byte-identical (here, umask 022; elsewhere, umask 077)", len(first))
}

func checksums(t *testing.T, dist string) {
	text, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range sums(t, dist) {
		if name != "SHA256SUMS" && !strings.Contains(string(text), sum+"  "+name+"\n") {
			t.Errorf("SHA256SUMS does not have %s", name)
		}
	}
}

// Each format has the program, of its architecture, and what belongs to it there.
func contents(t *testing.T, dist string) {
	for format, f := range formats {
		for arch, called := range f.arches {
			for _, program := range programs {
				file := filepath.Join(dist, fmt.Sprintf(f.file, program, called))
				list := run(t, nil, append(f.list, file)...)
				for _, want := range wanted(format, program) {
					if !strings.Contains("\n"+strings.ReplaceAll(list, "./", "/"), want+"\n") {
						t.Errorf("%s has no %s", filepath.Base(file), want)
					}
				}
				if format == "deb" {
					machine(t, file, program, arch)
				}
			}
		}
	}
}

func wanted(format, program string) []string {
	all := []string{
		"usr/bin/" + program, "usr/share/man/man1/" + program + ".1.gz", "usr/share/doc/" + program + "/copyright",
		"usr/share/doc/" + program + "/changelog.gz", "usr/share/bash-completion/completions/" + program,
		"usr/share/fish/vendor_completions.d/" + program + ".fish",
	}
	if format == "deb" {
		all = append(all, "usr/share/zsh/vendor-completions/_"+program, "usr/share/lintian/overrides/"+program)
	} else {
		all = append(all, "usr/share/zsh/site-functions/_"+program)
	}
	if format != "apk" {
		all = append(all, "usr/lib/systemd/system/"+program+".service")
	}
	if program == "puppet-cron" {
		all = append(all, "etc/puppet-cron/puppet-cron.yaml")
		if format != "apk" {
			all = append(all, "usr/lib/systemd/system/puppet-cron-run@.service", "usr/lib/systemd/system/puppet-cron.slice")
		}
		if format == "apk" || format == "deb" {
			all = append(all, "etc/init.d/puppet-cron")
		}
	} else {
		all = append(all, "etc/puppet-cron/collector.yaml")
	}
	return all
}

// machine checks for which machine the program is, and that it needs no library.
func machine(t *testing.T, deb, program, arch string) {
	dir := t.TempDir()
	run(t, nil, "dpkg-deb", "--extract", deb, dir)
	f, err := elf.Open(filepath.Join(dir, "usr/bin", program))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; f.Machine != want || err != nil || len(libraries) > 0 {
		t.Errorf("%s: %s, %v %v; want %s and no library", filepath.Base(deb), f.Machine, libraries, err, want)
	}
}

// The list of what is in a program names what it was built of.
func sbom(t *testing.T, dist string) {
	for _, program := range programs {
		text, err := os.ReadFile(filepath.Join(dist, program+"_"+version+"_amd64.cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		var bom struct {
			BomFormat string
			Metadata  struct {
				Component struct{ Name, Version string }
			}
			Components []struct{ Name, Version, PackageURL string }
		}
		if err := json.Unmarshal(text, &bom); err != nil {
			t.Fatal(err)
		}
		has := func(name string) bool {
			return slices.ContainsFunc(bom.Components, func(c struct{ Name, Version, PackageURL string }) bool { return c.Name == name && c.Version != "" })
		}
		if bom.BomFormat != "CycloneDX" || bom.Metadata.Component.Version != "v"+version || !has("github.com/spf13/cobra") || has("modernc.org/sqlite") != (program == "puppet-cron-collector") {
			t.Errorf("%s: %s of %+v with %d components", program, bom.BomFormat, bom.Metadata.Component, len(bom.Components))
		}
	}
}

// Debian's own judge finds nothing, warnings included, but what the overrides give a reason for.
func lintian(t *testing.T, dist string) {
	files, err := filepath.Glob(filepath.Join(dist, "*_amd64.deb"))
	if err != nil || len(files) != len(programs) {
		t.Fatalf("%v, %v", files, err)
	}
	said := run(t, nil, append([]string{"lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"}, files...)...)
	if said != "" {
		t.Errorf("lintian:\n%s", said)
	}
}

// `make install` for distributions puts down what the packages have.
func install(t *testing.T, dist string) {
	dest := t.TempDir()
	run(t, nil, "make", "--no-print-directory", "install", "DESTDIR="+dest, "BIN="+t.TempDir(), "ZSHDIR=/usr/share/zsh/vendor-completions")
	var packaged []string
	for _, program := range programs {
		list := run(t, nil, "sh", "-c", "dpkg-deb --fsys-tarfile $0 | tar -t", filepath.Join(dist, fmt.Sprintf(formats["deb"].file, program, "amd64")))
		for line := range strings.Lines(list) {
			path := strings.TrimPrefix(strings.TrimSpace(line), ".")
			if strings.HasPrefix(path, "/usr/") && !strings.HasSuffix(path, "/") && !strings.Contains(path, "/lintian/") && !strings.HasSuffix(path, "changelog.Debian.gz") {
				packaged = append(packaged, path)
			}
		}
	}
	for _, path := range packaged {
		if _, err := os.Stat(filepath.Join(dest, path)); err != nil {
			t.Errorf("make install has no %s", path)
		}
	}
	if len(packaged) < 20 {
		t.Errorf("only %d files are packaged", len(packaged))
	}
}
