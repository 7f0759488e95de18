// Package tabletest has what tests of files share.
package tabletest

// CSVSeeds are what fuzzing of CSV begins with: quotes, line ends, delimiters, encodings, labels.
var CSVSeeds = []string{
	"a,label\n1,0\n2,1\n",
	"\ufeffa,label\r\n1,0\r\n",
	"\"a\",\"b\"\"c\"\n\"1\n2\",3\n",
	"a\n\n\"\"\n1\n",
	"a,b\n1\n",
	"a,b\n\"1\"x,2\n",
	"a\n1\r",
	"a;label\n1,5;0\n2;1\n",
	"a|\"b|c\"\n1|2\n",
	"a\tb\n1e3\t-,5\n",
	"# x\n# a,b\n1,2\n",
	"a;b\nx;1;2\n",
	"\xff\xfea\x00\n\x001\x00\n\x00",
	"\xfe\xff\x00a\x00\n\x001\x00\n",
	"gr\xf6\xdfe,gr\u00f6\u00dfe\n1,2\n",
	"a,label\n1,NO\n1,true\n1,NA\n",
	"a,label\n1,walk\n1,02\n1,2.0\n1,none\n",
}
