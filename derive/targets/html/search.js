// Stands before the theme's search worker: a page one of whose names is what was typed, whole, stands first.
//
// What is typed finds longer words too (relu finds relu6), and these are rarer, which a search takes for a better
// answer. Messages of the worker: 2 is a query, 3 its results, one list for each page, the page itself and its sections.
{
  let typed = "";
  const post = self.postMessage.bind(self);
  const plain = tag => tag.replace(/<[^>]+>/g, "").toLowerCase();
  const named = sections => sections.some(section => (section.tags || []).map(plain).includes(typed));
  self.addEventListener("message", ({ data }) => {
    if (data.type === 2) typed = data.data.trim().toLowerCase();
  });
  self.postMessage = message => {
    if (message.type === 3) message.data.items.sort((one, other) => named(other) - named(one));
    post(message);
  };
}
