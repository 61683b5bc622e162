// Verifies an exported audit log with golang.org/x/mod/sumdb: that every file is one of the list that the log's key
// signed, the checkpoint's signature, root recomputed from every entry, every
// tile, inclusion proofs and, with an earlier checkpoint, consistency. This file only carries bytes; what judges
// is the Go project's code. Run: GO111MODULE=off GOPATH=/usr/share/gocode go run verify.go DIR KEY [OLD_CHECKPOINT]
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED:", what+":", err)
		os.Exit(1)
	}
}

func require(ok bool, what string) {
	if !ok {
		check(fmt.Errorf("does not hold"), what)
	}
}

// path maps a tile to its C2SP name; row is a level or "entries".
func path(dir, row string, n int64, w int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if w < 256 {
		name += fmt.Sprintf(".p/%d", w)
	}
	return filepath.Join(dir, "tile", row, name)
}

type tiles struct{ dir string }

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range list {
		d, err := os.ReadFile(path(t.dir, strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		data = append(data, d)
	}
	return data, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func open(file string, verifier note.Verifier) tlog.Tree {
	text, err := os.ReadFile(file)
	check(err, file)
	n, err := note.Open(text, note.VerifierList(verifier))
	check(err, file)
	lines := strings.Split(n.Text, "\n")
	require(len(lines) == 4 && lines[0] == verifier.Name(), "three lines and the log's name in "+file)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size in "+file)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err, "root in "+file)
	require(len(root) == tlog.HashSize, "root length in "+file)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// covered holds every file of dir against files.sha256, and that list against its signature in files.sig.
func covered(dir string, verifier note.Verifier) {
	list, err := os.ReadFile(filepath.Join(dir, "files.sha256"))
	check(err, "files.sha256")
	signed, err := os.ReadFile(filepath.Join(dir, "files.sig"))
	check(err, "files.sig")
	n, err := note.Open(signed, note.VerifierList(verifier))
	check(err, "files.sig")
	sum := sha256.Sum256(list)
	text := fmt.Sprintf("zelo-audit-bundle/1\n%s\n%d\n%s\n", verifier.Name(), bytes.Count(list, []byte("\n")), hex.EncodeToString(sum[:]))
	require(n.Text == text && len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0, "the signature over files.sha256")
	listed := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(string(list), "\n"), "\n") {
		hash, name, ok := strings.Cut(line, "  ")
		_, twice := listed[name]
		require(ok && !twice && filepath.ToSlash(filepath.Clean(name)) == name, "a line of files.sha256")
		listed[name] = hash
	}
	err = filepath.WalkDir(dir, func(at string, item fs.DirEntry, err error) error {
		if err != nil || item.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, at)
		check(err, at)
		require(item.Type().IsRegular(), name+" is a plain file")
		if name == "files.sha256" || name == "files.sig" {
			return nil
		}
		data, err := os.ReadFile(at)
		check(err, name)
		sum := sha256.Sum256(data)
		require(listed[name] == hex.EncodeToString(sum[:]), name+" is listed, and as it was")
		delete(listed, name)
		return nil
	})
	check(err, dir)
	for name := range listed {
		require(false, name+" is there")
	}
}

func main() {
	if len(os.Args) < 3 {
		check(fmt.Errorf("say: verify.go DIR KEY [OLD_CHECKPOINT]"), "arguments")
	}
	dir := os.Args[1]
	key, err := os.ReadFile(filepath.Join(dir, "vkey.txt"))
	check(err, "vkey.txt")
	vkey := strings.TrimSpace(string(key))
	// The same key under whatever year's name: what follows the name and its hash.
	given, ours := strings.SplitN(os.Args[2], "+", 3), strings.SplitN(vkey, "+", 3)
	require(len(given) == 3 && len(ours) == 3 && given[2] == ours[2], "vkey.txt as the key that you were given")
	verifier, err := note.NewVerifier(vkey)
	check(err, "vkey.txt")
	covered(dir, verifier)
	tree := open(filepath.Join(dir, "checkpoint"), verifier)

	var stored []tlog.Hash
	memory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	for i := int64(0); i < tree.N; {
		width := 256
		if tree.N-i < 256 {
			width = int(tree.N - i)
		}
		name := path(dir, "entries", i/256, width)
		data, err := os.ReadFile(name)
		check(err, "bundle")
		for ; width > 0; width-- {
			require(len(data) >= 2 && len(data)-2 >= int(binary.BigEndian.Uint16(data)), "length of entry "+strconv.FormatInt(i, 10))
			m := int(binary.BigEndian.Uint16(data))
			hashes, err := tlog.StoredHashes(i, data[2:2+m], memory)
			check(err, "hashing")
			stored = append(stored, hashes...)
			data = data[2+m:]
			i++
		}
		require(len(data) == 0, "end of "+name)
	}
	root, err := tlog.TreeHash(tree.N, memory)
	check(err, "root")
	require(root == tree.Hash, "root of all entries")

	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		if tile.W < 256 && int64(tile.W) < tree.N>>uint(8*tile.L)-tile.N*256 {
			continue // a width that the tile had on its way here
		}
		expected, err := tlog.ReadTileData(tile, memory)
		check(err, "tile")
		actual, err := os.ReadFile(path(dir, strconv.Itoa(tile.L), tile.N, tile.W))
		check(err, "tile")
		require(bytes.Equal(expected, actual), fmt.Sprintf("tile %d/%d", tile.L, tile.N))
	}

	reader := tlog.TileHashReader(tree, tiles{dir})
	for i := int64(0); i < tree.N; i += 1 + tree.N/64 {
		proof, err := tlog.ProveRecord(tree.N, i, reader)
		check(err, "proving an entry")
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, i, stored[tlog.StoredHashIndex(0, i)]), "inclusion")
	}
	if len(os.Args) > 3 {
		old := open(os.Args[3], verifier)
		require(old.N <= tree.N, "the log is not shorter than before")
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		check(err, "proving consistency")
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "consistency")
	}
	fmt.Println("VERIFIED", tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
}
