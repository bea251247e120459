// A button that saves what the kernel then sends: a picture, as a file of the reader's own.
export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "mc-save";
    button.textContent = model.get("words");
    button.onclick = () => model.send({ save: true });
    const save = (said, [picture]) => {
      const address = URL.createObjectURL(new Blob([picture], { type: "image/png" }));
      const link = document.createElement("a");
      [link.href, link.download] = [address, said.name];
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    };
    model.on("msg:custom", save);
    el.append(button);
    return () => model.off("msg:custom", save);
  },
};
