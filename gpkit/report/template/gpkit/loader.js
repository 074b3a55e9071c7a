(function () {
  "use strict";
  var page = document.documentElement, own = document.currentScript.dataset;
  var dark = matchMedia("(prefers-color-scheme: dark)"), forced = matchMedia("(forced-colors: active)"), drawn = [], waiting = null;
  page.classList.add("js");

  // No button of plotly's that would send the data elsewhere.
  var tools = {
    responsive: true, displaylogo: false, displayModeBar: "hover", showSendToCloud: false, showLink: false,
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"]
  };

  // As red, green and blue: with forced colours the style sheet names colours that plotly does not know.
  function ink(name) {
    var drop = document.body.appendChild(document.createElement("i"));
    drop.style.color = "var(" + name + ")";
    var colour = getComputedStyle(drop).color;
    drop.remove();
    return colour;
  }

  // The page's colours as defaults: whatever the figure itself says wins.
  function dressed(figure, paper, width, narrow) {
    var layout = Object.assign({}, figure.layout), given = layout.template || {};
    var line = paper ? "#d9d7d1" : ink("--line"), text = paper ? "#1c1b19" : ink("--text");
    var axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true, title: { standoff: 12 } };
    var base = Object.assign({}, given.layout);
    base.font = Object.assign({}, base.font, { color: text, family: getComputedStyle(document.body).fontFamily, size: 13 });
    base.paper_bgcolor = base.plot_bgcolor = "rgba(0,0,0,0)";
    base.xaxis = Object.assign({}, base.xaxis, axis);
    base.yaxis = Object.assign({}, base.yaxis, axis);
    base.margin = Object.assign({ t: 24, r: 16, b: 48, l: 56 }, base.margin);
    base.shapedefaults = { line: { color: text } };
    base.hoverlabel = { align: "left" };
    base.modebar = { bgcolor: "rgba(0,0,0,0)", color: paper ? text : ink("--soft"), activecolor: text };
    // Light colours do not stand out from a light ground: every mark has an edge that does.
    var edge = function (width) { return [{ marker: { line: { color: paper ? "#4f4c47" : ink("--soft"), width: width } } }]; };
    layout.template = { data: Object.assign({ bar: edge(0.75), scatter: edge(0.5) }, given.data), layout: base };
    layout.autosize = !width;
    layout.width = width || undefined;
    if (narrow) layout.font = Object.assign({}, layout.font, { size: 10 });  // or names leave no room for the marks
    return layout;
  }

  function draw(plot, paper) {
    var text = plot.nextElementSibling.textContent;
    // The blue of the house is too dark for a dark ground.
    var figure = JSON.parse(dark.matches && !paper ? text.replace(/"#0072B2"/gi, '"#4A9EDB"') : text);
    if (drawn.indexOf(plot) < 0) drawn.push(plot);
    return window.Plotly.react(plot, figure.data, dressed(figure, paper, paper ? 640 : 0, !paper && plot.clientWidth < 480), tools).then(function () { name(plot); });
  }

  // For those who do not see it: one picture with a name, and a toolbar; the numbers stand in the table.
  function name(plot) {
    var title = plot.parentNode.querySelector("figcaption").textContent, reading = plot.parentNode.querySelector(".reading");
    each(plot.querySelectorAll(".svg-container > svg"), function (picture, number) {
      if (number) return picture.setAttribute("aria-hidden", "true");
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", title + (/[.?!]$/.test(title) ? " " : ". ") + (reading ? reading.textContent : ""));
    });
    each(plot.querySelectorAll(".modebar"), function (bar) { bar.setAttribute("aria-label", "Tools of the chart: " + title); });
  }

  function each(found, act) { Array.prototype.forEach.call(found, act); }
  function plots() { return document.querySelectorAll("figure.chart > .plot"); }

  function start() {
    waiting = new IntersectionObserver(function (seen) {
      seen.forEach(function (one) {
        if (one.isIntersecting) { waiting.unobserve(one.target); draw(one.target, false); }
      });
    }, { rootMargin: "600px" });
    each(plots(), function (plot) { waiting.observe(plot); });
    [dark, forced].forEach(function (setting) {
      setting.addEventListener("change", function () { drawn.forEach(function (plot) { draw(plot, false); }); });
    });
    window.addEventListener("beforeprint", function () { each(plots(), function (plot) { draw(plot, true); }); });
    window.addEventListener("afterprint", function () { drawn.forEach(function (plot) { draw(plot, false); }); });
  }

  function missing(why) {
    page.classList.remove("js");
    each(document.querySelectorAll("figure.chart > .plot"), function (plot) {
      var note = document.createElement("p"), chart = plot.parentNode, table = chart.querySelector("details.table");
      note.className = "note";
      note.textContent = "The chart is not drawn: " + own.name + " " + why;
      chart.insertBefore(note, chart.children[1]);
      if (table) table.open = true;
    });
  }

  // A page that stands alone carries plotly.js packed: gzip in base 85. What comes out runs only if the policy names it.
  var digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
  function unpack(packed) {
    if (!window.DecompressionStream) return Promise.reject();
    var text = packed.textContent, size = Math.floor(text.length * 4 / 5), values = [];
    for (var digit = 0; digit < 85; digit++) values[digits.charCodeAt(digit)] = digit;
    var bytes = new DataView(new ArrayBuffer(size + 4));
    for (var at = 0, to = 0; at < text.length; at += 5, to += 4) {
      for (var sum = 0, next = at; next < at + 5; next++) {
        sum = sum * 85 + (next < text.length ? values[text.charCodeAt(next)] : 84);
      }
      bytes.setUint32(to, sum);
    }
    packed.remove();
    var blob = new Blob([bytes.buffer.slice(0, size)]);
    return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  document.addEventListener("DOMContentLoaded", function () {
    each(document.querySelectorAll("figure.chart > .plot ~ details.table"), function (table) { table.open = false; });
    var script = document.createElement("script"), packed = document.getElementById("plotly-packed");
    if (own.plotly) {
      script.src = own.plotly;
      script.onload = start;
      script.onerror = function () { missing("is not beside this report."); };
      document.head.appendChild(script);
    } else {
      Promise.resolve(packed).then(unpack).then(function (source) {
        script.textContent = source;
        document.head.appendChild(script);
        if (!window.Plotly) throw new Error("not run");
        start();
      }).catch(function () { missing("cannot be unpacked by this browser."); });
    }
  });
})();
