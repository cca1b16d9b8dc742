// Browsers start no web worker from a folder (file://). The search then runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      this.onmessage = null
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.srcdoc = `<script>
        window.postMessage = data => parent.postMessage(data, "*")
        window.importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise(
          (resolve, reject) => {
            const script = document.createElement("script")
            Object.assign(script, {src: url, onload: resolve, onerror: reject})
            document.head.appendChild(script)
          })), Promise.resolve())
      <\/script><script src="${new URL(url, location)}"><\/script>`
      addEventListener("message", event => {
        if (event.source !== frame.contentWindow) return
        const copy = new MessageEvent("message", {data: event.data})
        this.dispatchEvent(copy)
        if (this.onmessage) this.onmessage(copy)
      })
      frame.addEventListener("load", () => {
        this.frame = frame.contentWindow
        this.waiting.splice(0).forEach(data => this.send(data))
      })
      document.body.appendChild(frame)
    }
    send(data) {
      this.frame.dispatchEvent(new this.frame.MessageEvent("message", {data}))
    }
    postMessage(data) {
      if (this.frame) this.send(data)
      else this.waiting.push(data)
    }
    terminate() {}
  }
  window.Worker = window.IFrameWorker
}
