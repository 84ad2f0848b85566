// Package puppet is everything that this program knows of Puppet: where it is
// installed, what its settings say, how it is started, which files lock it, and
// what the traces of a run mean.
//
// It goes by exit codes, files and timings. What Puppet prints is translated into
// many languages and was renamed by OpenVox, so an outcome never depends on it;
// only the reason of an errored run may, as the last resort (messages.go).
package puppet
