package sqlstore

import "io/fs"

// Migrations are those of a dialect.
func Migrations(dialect string) fs.FS {
	files, err := fs.Sub(migrations, "migrations/"+dialect)
	if err != nil {
		panic(err)
	}
	return files
}

// Settling is what a backup brings its copy to the disk with.
var Settling = settling
