//! Many items in few posts: their titles, each a link.

use parlor_bot::MAX_POSTS_PER_EVENT;
use parlor_bot::prelude::*;

use crate::PostAs;
use crate::source::Source;

/// Longer titles are cut, in characters: a line of a digest is to be looked over.
const MAX_TITLE: usize = 200;

impl Source {
    /// Posts what is wanted of a digest: one by one when little is left, else as few posts as it takes.
    pub(crate) fn post_digest(&self, digest: &FeedDigest, context: &mut Context) -> Result<(), BotError> {
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for item in &digest.items {
            match self.unwanted(item) {
                None => wanted.push(item),
                Some(reason) => unwanted.push(format!("{}: {reason}", item.title)),
            }
        }
        if !unwanted.is_empty() {
            let (left_out, all) = (unwanted.len(), digest.items.len());
            context.skip(format!("{left_out} of {all} left out: {}", unwanted.join("; ")))?;
        }
        let is_few = self.spec.digest_over.is_none_or(|limit| wanted.len() <= limit)
            && wanted.len() * self.rooms.len() <= MAX_POSTS_PER_EVENT;
        if is_few {
            return wanted.into_iter().try_for_each(|item| self.post(item, context));
        }
        let posts = self.digest(digest, &wanted, MAX_POSTS_PER_EVENT / self.rooms.len().max(1));
        for room in &self.rooms {
            for post in &posts {
                context.post(room, post.clone())?;
            }
        }
        Ok(())
    }

    /// The posts, at most `limit` of them; what does not fit is counted.
    fn digest(&self, digest: &FeedDigest, items: &[&FeedItem], limit: usize) -> Vec<Message> {
        let head = format!(
            "{}: {} new items",
            self.shown(digest.feed_title.as_deref()),
            items.len() + digest.more
        );
        let mut posts = Vec::new();
        let mut post = self.begin(&head);
        let mut listed = 0;
        for item in items {
            let longer = with_line(post.clone(), item);
            // Room for the last line, which counts what is left.
            if longer.wire_len() + LAST_LINE <= self.max_length || listed == 0 {
                post = longer;
            } else if posts.len() + 1 < limit {
                posts.push(post);
                post = with_line(self.begin(&format!("{head} (continued)")), item);
            } else {
                break;
            }
            listed += 1;
        }
        let more = items.len() - listed + digest.more;
        if more > 0 {
            post = post.then(format!("\n… and {more} more"));
        }
        posts.push(post);
        posts
            .into_iter()
            .map(|post| post.shortened(self.max_length))
            .collect()
    }

    fn begin(&self, head: &str) -> Message {
        match self.post_as {
            PostAs::Story => Message::story(head),
            PostAs::Text => Message::text(head),
            PostAs::Alert => Message::text(head).alert(),
        }
    }
}

/// Bytes kept for `… and 1000 more`.
const LAST_LINE: usize = 32;

fn with_line(post: Message, item: &FeedItem) -> Message {
    let title = match item.title.char_indices().nth(MAX_TITLE) {
        Some((end, _)) => format!("{}…", &item.title[..end]),
        None => item.title.clone(),
    };
    // A story's title ends its line by itself.
    let first = post.title().is_some() && post.parts().len() == 1;
    let post = post.then(if first { "• " } else { "\n• " });
    match &item.link {
        Some(link) => post.link(title, link),
        None => post.then(title),
    }
}
