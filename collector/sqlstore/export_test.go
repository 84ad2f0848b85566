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
