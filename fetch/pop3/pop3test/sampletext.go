package pop3test

// What SampleMail is made of. All of it is invented; addresses are in the domains RFC 2606 keeps for examples.

var samplePeople = []string{
	"Alice Ahorn <alice@example.org>",
	"Bob Birch <bob@example.com>",
	"Carmen Caña <carmen@example.net>",
	"Dmitri Dub <dmitri@example.org>",
	"Élise Érable <elise@example.com>",
	"Fumiko (文子) <fumiko@example.net>",
	"The Garden Club <garden@example.org>",
	"Harbour Library <library@example.com>",
}

var sampleNotes = []struct{ subject, body string }{
	{"Soup on Thursday?", "I have a pumpkin the size of a bicycle wheel and no idea how to cook it alone.\nThursday at seven? Bring bread."},
	{"Re: the blue bicycle", "The chain is on again. It runs as it did when it was new, but for the bell, which now\nrings in the rain by itself. I left it that way."},
	{"Lost: one umbrella", "Green, with a wooden handle, last seen in the reading room.\nIt is old and I am fond of it."},
	{"Minutes of the last meeting", "Present: all but one.\n\n1. The shed gets a new roof.\n2. The hedgehog stays.\n3. Next meeting on the first Monday of the month."},
	{"Train times", "The 8:14 goes at 8:31 until the bridge is painted.\nThe 9:14 goes at 9:14."},
	{"Your book is here", "The book you asked for is at the desk and will be kept for ten days."},
	{"Seeds to swap", "I have: peas, beans, a squash nobody knows the name of.\nI look for: dill, borage, patience."},
	{"The choir sings on Sunday", "We begin at five and end when the candles do."},
}

var sampleUTF8 = []struct{ subject, body string }{
	{"Grüße aus den Bergen", "Schöne Grüße aus der Höhe! Die Hütte steht noch, der Käse ist großartig,\nund über Nacht ist der erste Schnee gefallen."},
	{"Un café à onze heures ?", "Le café près du marché a rouvert. Onze heures, à la table près de la fenêtre ?"},
	{"来週の遠足について", "来週の土曜日は、朝八時に駅の前に集まりましょう。\nお弁当と水筒を忘れないでください。"},
	{"Прогулка у моря", "Завтра обещают солнце. Пойдём к маяку пешком, а назад на пароме?"},
	{"🌻 The sunflowers are taller than me", "Measured this morning: 2.31 m, and it’s still growing — see for yourself. 🌻🌻🌻"},
	{"Χρόνια πολλά!", "Χρόνια πολλά και καλή χρονιά σε όλους!"},
}

// GBK, as many Chinese servers and programs write it: subjects and a name in base64, the body as it is.
var (
	sampleGBKSubjects = []string{
		"xPq6w6Os1eLKx8bf1MK1xNXLtaU=", // 您好，这是七月的账单
		"udjT2tbcxKm1xLbByum74Q==",     // 关于周末的读书会
		"x+uy6crV1dXGrA==",             // 请查收照片
	}
	sampleGBKName = "wO7EyA=="                                   // 李娜
	sampleGBKBody = "\xb8\xf7\xce\xbb\xba\xc3\xa3\xba\r\n\r\n" + // 各位好：
		"\xd6\xdc\xc1\xf9\xcf\xc2\xce\xe7\xc1\xbd\xb5\xe3\xd4\xda\xcd\xbc\xca\xe9\xb9\xdd\xc8\xfd\xc2\xa5\xbc\xfb\xc3\xe6\xa3\xac" + // 周六下午两点在图书馆三楼见面，
		"\xd5\xe2\xb4\xce\xb6\xc1\xb5\xc4\xca\xc7\xa1\xb6\xb1\xdf\xb3\xc7\xa1\xb7\xa1\xa3\r\n" + // 这次读的是《边城》。
		"\xc7\xeb\xb4\xf8\xc9\xcf\xd7\xd4\xbc\xba\xb5\xc4\xca\xe9\xa3\xac\xb2\xe8\xcb\xae\xd3\xc9\xce\xd2\xd7\xbc\xb1\xb8\xa1\xa3\r\n\r\n" + // 请带上自己的书，茶水由我准备。
		"\xc0\xee\xc4\xc8\r\n" // 李娜
)

const (
	sampleDots = "How to leave the maze:\r\n\r\n..left\r\n.right\r\n.\r\n...straight on, past the fountain\r\n.\r\n" +
		"The line with one dot alone is where most people turn back.\r\n"
	sampleHTML = "<html><body><h1>What grows in %s</h1><p>Peas &amp; beans, and a squash <em>nobody knows the name of</em>.</p></body></html>"
	samplePDF  = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n" +
		"4 0 obj<</Length 42>>stream\nBT /F 18 Tf 40 100 Td (A sample page) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
