// Verifies an exported audit log with golang.org/x/mod/sumdb: signature, root recomputed from every entry, every
// tile, inclusion proofs and, with an earlier checkpoint, consistency. This file only carries bytes; what judges
// is the Go project's code. Run: GO111MODULE=off GOPATH=/usr/share/gocode go run verify.go DIR [OLD_CHECKPOINT]
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
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

func main() {
	dir := os.Args[1]
	key, err := os.ReadFile(filepath.Join(dir, "vkey.txt"))
	check(err, "vkey.txt")
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	check(err, "vkey.txt")
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
	if len(os.Args) > 2 {
		old := open(os.Args[2], verifier)
		require(old.N <= tree.N, "the log is not shorter than before")
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		check(err, "proving consistency")
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "consistency")
	}
	fmt.Println("VERIFIED", tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
}
