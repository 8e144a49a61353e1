import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { networkInterfaces } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createWebreadTool } from "../../src/agent/tools/webread.ts";
import { type NetworkPolicy, publicInternet } from "../../src/agent/web/network-policy.ts";
import { loopbackSite, startWebSite } from "../support/web-site.ts";

const never = new AbortController().signal;

function webread(url: string, policy: NetworkPolicy = loopbackSite, signal = never) {
  return createWebreadTool({ policy }).run({ url }, signal);
}

function answer(response: ServerResponse, type: string, body: string | Buffer, headers: object = {}): void {
  response.writeHead(200, { "Content-Type": type, ...headers }).end(body);
}

/** The real policy, which also tells what it was asked to resolve. */
function watched(answers: readonly (readonly string[])[]): NetworkPolicy & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: (hostname) => {
      asked.push(hostname);
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? []);
    },
    refuse: publicInternet.refuse,
  };
}

describe("what may be read", () => {
  test.each([
    "http://127.0.0.1/",
    "http://127.8.9.1/",
    "http://[::1]/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://１２７.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://host.docker.internal/",
    "http://printer.local/",
    "https://user:pass@example.com/",
    "https://user@example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "data:text/plain,hi",
    "javascript:1",
    "//example.com/",
    "example.com",
    "http://",
    `https://example.com/${"x".repeat(5000)}`,
  ])("[TOOL10] %j is refused before anything is asked (X32)", async (url) => {
    const policy = watched([["127.0.0.1"]]);
    const { content, is_error } = await webread(url, policy);
    expect(is_error).toBe(true);
    expect(content).toMatch(
      /it (is (a private address|the name of a private host|not an address)|holds a user name|leads to [a-z]+: where)/,
    );
    expect(policy.asked).toEqual([]);
  });

  test("[TOOL10] neither this server's own port, nor any address of this machine (X32)", async () => {
    await using site = await startWebSite((_, response) => answer(response, "text/plain", "secret"));
    for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
      expect((await webread(`http://${host}:${site.port}/`, publicInternet)).is_error, host).toBe(true);
    }
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter(({ address }) => publicInternet.refuse(address) === undefined)).toEqual([]);
    expect(site.requests).toEqual([]);
    for (const address of ["93.184.216.34", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946", "example.com"]) {
      expect(publicInternet.refuse(address), address).toBeUndefined();
    }
  });

  test("[TOOL10] a name that leads to a private address, alone or among others, is refused (X32)", async () => {
    await using site = await startWebSite((_, response) => answer(response, "text/plain", "secret"));
    for (const addresses of [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]]) {
      const { content } = await webread(`http://evil.example:${site.port}/`, watched([addresses]));
      expect(content).toMatch(/it is a private address\.$/);
    }
    expect((await webread("http://nowhere.example/", watched([[]]))).content).toMatch(/it has no address\.$/);
    expect(site.requests).toEqual([]);
  });

  test("[TOOL10] an answer of DNS that changes after the check changes nothing: the checked address is used (X33)", async () => {
    await using site = await startWebSite((_, response) => answer(response, "text/plain", "hello"));
    const asked: string[] = [];
    const rebinding: NetworkPolicy = {
      resolve: (hostname) => Promise.resolve(asked.push(hostname) === 1 ? ["127.0.0.1"] : ["169.254.169.254"]),
      refuse: loopbackSite.refuse,
    };
    expect((await webread(`http://evil.example:${site.port}/a`, rebinding)).content).toContain("hello");
    expect(asked).toEqual(["evil.example"]);
    // the second page is asked for anew, and refused
    expect((await webread(`http://evil.example:${site.port}/b`, rebinding)).content).toMatch(/private address/);
    expect(site.requests).toEqual(["/a"]);
  });

  test("[TOOL10] what it is connected to is checked too, whatever was looked up (X33)", async () => {
    await using site = await startWebSite((_, response) => answer(response, "text/plain", "secret"));
    let refusals = 0;
    const late: NetworkPolicy = {
      resolve: () => Promise.resolve(["127.0.0.1"]),
      refuse: (host) => (host === "127.0.0.1" && ++refusals > 1 ? "is a private address" : undefined),
    };
    expect((await webread(`http://evil.example:${site.port}/`, late)).content).toMatch(/it is a private address\.$/);
    expect(refusals).toBe(2);
    expect(site.requests).toEqual([]);
  });
});

describe("redirects", () => {
  const targets = [
    "http://10.0.0.1/",
    "http://[::1]/",
    "file:///etc/passwd",
    "http://a:b@site.example/",
    "//localhost/x",
  ];

  test.each([1, 2, 3, 4, 5])("[TOOL10] one to a private address is refused at hop %i (X33)", async (hops) => {
    for (const target of targets) {
      await using site = await startWebSite(({ url }, response) => {
        const hop = Number(url?.slice(1));
        response.writeHead(302, { Location: hop < hops ? `/${hop + 1}` : target }).end();
      });
      const { content, is_error } = await webread(`${site.url}/1`);
      expect(is_error).toBe(true);
      expect(content).toMatch(/it (is a private address|leads to file: |holds a user name|is the name of a private)/);
      expect(site.requests).toEqual(Array.from({ length: hops }, (_, n) => `/${n + 1}`));
    }
  });

  test("[TOOL10] five are followed, relative ones too; the sixth is not (X33)", async () => {
    await using site = await startWebSite(({ url }, response) => {
      const hop = Number(url?.slice(1));
      if (hop === 0) answer(response, "text/plain", "there");
      else response.writeHead(302, { Location: `./${hop - 1}#part` }).end();
    });
    const site5 = `http://site.example:${site.port}/5`;
    expect(await webread(site5)).toEqual({
      content: `Source: http://site.example:${site.port}/0\n\nthere`,
      is_error: false,
    });
    expect((await webread(`${site.url}/6`)).content).toMatch(/it redirects more than 5 times\.$/);
  });
});

describe("what is read", () => {
  const page = `<!doctype html><html><head><title>Sardines &amp; you</title><script>alert(1)</script></head><body>
    <nav><a href="/home">Home</a></nav><article><h1>All about sardines</h1>
    <p>${"Sardines are small fish, and cats love them. ".repeat(20)}</p>
    <ul><li>oily</li><li>silver</li></ul><p>More at <a href="/more">the <b>harbour</b></a>.</p></article>
    <footer>Imprint</footer></body></html>`;

  test("[TOOL11] an article becomes markdown; scripts and menus are left out", async () => {
    await using site = await startWebSite((_, response) =>
      answer(response, "text/html; charset=utf-8", gzipSync(page), { "Content-Encoding": "gzip" }),
    );
    const { content, is_error } = await webread(site.url);
    expect(is_error).toBe(false);
    expect(content).toMatch(/^Source: http:\/\/127\.0\.0\.1:\d+\/\n\n# Sardines & you\n\n/);
    expect(content).toContain("-   oily");
    expect(content).toContain("**harbour**");
    expect(content).not.toMatch(/alert|Imprint/);
  });

  const story = `<p>${"Sardines are small fish, and cats love them. ".repeat(20)}</p>`;
  test.each([
    ["no body", `<html><title>Fish</title><article>${story}</article></html>`],
    ["no html", `<title>Fish</title><article>${story}</article>`],
    ["no end", `<!doctype html><title>Fish</title><main>${story.replace("</p>", "")}`],
  ])("[TOOL11] a page with %s, as HTML allows, is read as a browser does", async (_, html) => {
    await using site = await startWebSite((_, response) => answer(response, "text/html", html));
    const { content, is_error } = await webread(site.url);
    expect(is_error).toBe(false);
    expect(content).toMatch(/^Source: http:.*\n\n# Fish\n\nSardines are small fish, and cats love them\. Sardines/);
  });

  test.each([
    ["text/plain", "a < b", "a < b"],
    ["application/json", '{"a":1}', '{"a":1}'],
    ["application/ld+json; charset=UTF-8", "[]", "[]"],
    ["text/plain; charset=iso-8859-1", Buffer.from("Käse", "latin1"), "Käse"],
    ["text/html", "<p>just <em>this</em>", "just _this_"],
    ["text/html", Buffer.from('<meta charset="windows-1252"><p>Käse', "latin1"), "Käse"],
  ])("[TOOL11] %s is read", async (type, body, expected) => {
    await using site = await startWebSite((_, response) => answer(response, type, body));
    expect((await webread(site.url)).content).toBe(`Source: ${site.url}/\n\n${expected}`);
  });

  test("[TOOL11] other types, statuses and broken servers are told in a sentence", async () => {
    await using site = await startWebSite(({ url }, response) => {
      if (url === "/image") answer(response, "image/png", "x");
      else if (url === "/none") response.writeHead(200).end("x");
      else if (url === "/reset") response.destroy();
      else response.writeHead(404, { "Content-Type": "text/html" }).end("no");
    });
    const reasonOf = async (path: string): Promise<string> => (await webread(site.url + path)).content;
    expect(await reasonOf("/image")).toMatch(/^Cannot read ".*": it is not a page or a text but "image\/png"\.$/);
    expect(await reasonOf("/none")).toMatch(/but of no type\.$/);
    expect(await reasonOf("/gone")).toMatch(/it was answered with status 404\.$/);
    expect(await reasonOf("/reset")).toMatch(/it could not be read( \(\w+\))?\.$/);
  });

  test("[TOOL11] of an endless body 2 MiB are taken, also of one that unpacks to it (X33)", async () => {
    const piece = Buffer.alloc(1024 * 1024, "sardines ");
    let sent = 0;
    await using site = await startWebSite(async ({ url }, response) => {
      if (url === "/bomb")
        return answer(response, "text/plain", gzipSync(Buffer.alloc(2e8, "a")), { "Content-Encoding": "gzip" });
      response.writeHead(200, { "Content-Type": "text/plain" });
      while (sent < 1024 && !response.destroyed) {
        sent += 1;
        if (!response.write(piece)) await Promise.race([once(response, "drain"), once(response, "close")]);
      }
      response.end();
    });
    for (const path of ["/flood", "/bomb"]) {
      const { content } = await webread(site.url + path);
      expect(content.length).toBeLessThan(2_200_000);
      expect(content).toMatch(/\n\n\[cut: only the first 2097152 bytes were read\]$/);
    }
    expect(sent).toBeLessThan(64);
  });

  test("[TOOL11] a stop ends it, also a page that is too deep to read; the server is not held up meanwhile", async () => {
    const deep = "<div>".repeat(400_000);
    await using site = await startWebSite(({ url }, response) => {
      if (url === "/deep") return answer(response, "text/html", deep);
      response.writeHead(200, { "Content-Type": "text/plain" }).write("drip"); // and then nothing more
    });
    await expect(webread(`${site.url}/drip`, loopbackSite, AbortSignal.timeout(300))).rejects.toThrow(/timeout/i);
    const delays = monitorEventLoopDelay({ resolution: 10 });
    delays.enable();
    await expect(webread(`${site.url}/deep`, loopbackSite, AbortSignal.timeout(2000))).rejects.toThrow(/timeout/i);
    delays.disable();
    expect(delays.max / 1e6).toBeLessThan(1000); // it takes minutes where it is read, which is elsewhere
  });

  test("[TOOL11] 20 s is all a page gets (X33)", async () => {
    await using site = await startWebSite((_, response) => {
      response.writeHead(200, { "Content-Type": "text/plain" });
      const drip = setInterval(() => response.write("."), 100);
      response.on("close", () => clearInterval(drip));
    });
    const began = performance.now();
    expect((await webread(site.url)).content).toMatch(/it took longer than 20 s\.$/);
    expect(performance.now() - began).toBeLessThan(24_000);
  }, 40_000);
});
