"""The matcher: which known facts a question asks for, and how much of the question they explain.

Nothing is generated. An answer is one or two whole sentences that were true of the product a moment ago, chosen by words
of the question; what the words do not explain lowers the confidence, and some subjects are left to people always.
"""

import re
from collections.abc import Sequence

from serai.commerce.consultation.types import KnownFact, Match

# Percent of a question's words that the facts must explain before they answer instead of a person.
THRESHOLD = 60
FACTS_IN_ANSWER = 2

# Words (their beginnings, in English; whole phrases, in Chinese) that ask for a fact, by the fact's key.
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "price": (
        ("price", "cost", "much", "expensive", "pay", "cheap"),
        ("多少钱", "多少錢", "价格", "價格", "价钱", "价位", "几块", "怎么卖", "售价", "贵不贵"),
    ),
    "unit_price": (
        ("per", "unit", "kilo", "100g", "price"),
        ("每斤", "每公斤", "每百克", "单价", "一斤多少钱", "合多少钱"),
    ),
    "stock": (
        ("stock", "availab", "left", "sold", "out", "many", "have", "still"),
        ("有货", "有貨", "现货", "現貨", "库存", "还有", "还有吗", "缺货", "断货", "剩"),
    ),
    "store_stock": (
        ("store", "shop", "pick", "pickup", "collect", "branch", "local", "stock", "availab"),
        ("门店", "自提", "实体店", "店里", "哪家店", "附近"),
    ),
    "delivery_time": (
        ("deliver", "ship", "arriv", "long", "take", "fast", "when", "days", "soon", "get"),
        (
            "多久到",
            "几天到",
            "多久",
            "几天",
            "什么时候到",
            "何时到",
            "送达",
            "到货",
            "发货",
            "快递",
            "配送",
            "多长时间",
            "送到",
        ),
    ),
    "delivery_cost": (
        ("deliver", "ship", "postage", "cost", "free", "fee", "much", "charge"),
        ("运费", "運費", "邮费", "包邮", "免运费", "配送费", "快递费", "多少钱"),
    ),
    "returns": (
        ("return", "refund", "send", "back", "exchange", "money", "days"),
        ("退货", "退貨", "退款", "退换", "换货", "退回", "无理由", "可以退", "能退"),
    ),
    "brand": (
        ("brand", "make", "maker", "manufactur", "made", "who"),
        ("品牌", "牌子", "什么牌", "哪个牌", "厂家", "谁家"),
    ),
    "content": (
        (
            "size",
            "big",
            "large",
            "weigh",
            "weight",
            "much",
            "inside",
            "content",
            "volume",
            "heavy",
            "pack",
            "contain",
        ),
        ("多重", "重量", "净含量", "规格", "多大", "几斤", "多少克", "多少毫升", "容量", "一包多少", "含量"),
    ),
    "gtin": (("barcode", "gtin", "ean", "upc", "code"), ("条码", "条形码", "商品码", "编码")),
    "category": (
        ("category", "department", "find", "aisle", "section"),
        ("分类", "类别", "哪个区", "哪一类"),
    ),
}
# A topic counts only with a word that asks for it alone; the rest of its words may then belong to it.
ANCHORS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "price": (("price", "cost", "expensive", "cheap", "pay"), TOPICS["price"][1]),
    "unit_price": (("per", "unit", "kilo", "100g"), TOPICS["unit_price"][1]),
    "stock": (("stock", "availab", "left", "sold"), TOPICS["stock"][1]),
    "store_stock": (("store", "branch", "pick", "pickup", "collect"), TOPICS["store_stock"][1]),
    "delivery_time": (("deliver", "ship", "arriv"), TOPICS["delivery_time"][1]),
    "delivery_cost": (("postage", "deliver", "ship", "free"), TOPICS["delivery_cost"][1][:-1]),
    "returns": (("return", "refund", "exchange", "send"), TOPICS["returns"][1]),
    "brand": (("brand", "maker", "manufactur"), TOPICS["brand"][1]),
    "content": (
        ("size", "weigh", "weight", "content", "volume", "heavy", "big", "large"),
        TOPICS["content"][1],
    ),
    "gtin": (("barcode", "gtin", "ean", "upc"), TOPICS["gtin"][1]),
    "category": (("category", "department", "aisle", "section"), TOPICS["category"][1]),
}
# Health, law and comparisons: a wrong answer may hurt somebody, so a person answers.
CAUTION = (
    (
        "allerg",
        "nut",
        "gluten",
        "vegan",
        "vegetarian",
        "halal",
        "kosher",
        "pregnan",
        "baby",
        "child",
        "diabet",
        "safe",
        "medic",
        "health",
        "poison",
        "better",
        "best",
        "recommend",
        "compare",
        "warrant",
        "legal",
        "organic",
        "recall",
    ),
    (
        "过敏",
        "孕",
        "婴儿",
        "宝宝",
        "孩子",
        "糖尿",
        "安全",
        "健康",
        "药",
        "清真",
        "素食",
        "有机",
        "推荐",
        "哪个好",
        "比较",
        "保修",
        "质保",
        "中毒",
        "副作用",
    ),
)
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "do",
        "does",
        "for",
        "from",
        "hello",
        "hi",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "please",
        "product",
        "so",
        "some",
        "than",
        "thank",
        "thanks",
        "that",
        "the",
        "their",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "whats",
        "which",
        "will",
        "with",
        "would",
        "you",
        "your",
        "item",
        "article",
        "order",
        "buy",
    ]
)
STOP_PHRASES = (
    "请问",
    "你好",
    "您好",
    "这个",
    "这款",
    "这件",
    "该",
    "商品",
    "产品",
    "东西",
    "你们",
    "您们",
    "我们",
    "我想",
    "我要",
    "想问",
    "一下",
    "可以",
    "能不能",
    "能",
    "是不是",
    "什么",
    "怎么",
    "如果",
    "买",
    "下单",
    "谢谢",
    "麻烦",
    "吗",
    "呢",
    "啊",
    "吧",
    "的",
    "了",
    "是",
    "有",
    "在",
    "要",
    "会",
    "请",
    "我",
    "它",
    "和",
    "到",
    "哪里",
    "哪儿",
    "么",
    "多",
)
WORD = re.compile(r"[a-z0-9][a-z0-9'’-]*")
HAN = re.compile(r"[\u3400-\u9fff]")


def match_facts(question: str, facts: Sequence[KnownFact], title: str) -> Match:
    """What the facts say to a question. ``title``: the product's name, whose words explain themselves.

    The confidence is the share of the question's content (words, in Chinese characters) that the chosen facts' keywords
    explain; 0 when no fact is asked for.
    """
    text = question.lower()
    caution = any(word.startswith(CAUTION[0]) for word in WORD.findall(text)) or any(
        phrase in text for phrase in CAUTION[1]
    )
    scored = []
    for fact in facts:
        score = _explain(text, title.lower(), [fact])
        if score:
            scored.append((score, fact))
    scored.sort(key=lambda pair: -pair[0])
    chosen = [fact for _score, fact in scored[:1]]
    for _score, fact in scored[1:]:
        # A second fact joins only when it explains something that the first does not.
        if len(chosen) < FACTS_IN_ANSWER and _explain(text, title.lower(), [*chosen, fact]) > _explain(
            text, title.lower(), chosen
        ):
            chosen.append(fact)
    confidence = _explain(text, title.lower(), chosen)
    return Match(
        confidence, tuple(fact.key for fact in chosen), " ".join(fact.words for fact in chosen), caution
    )


def may_answer(match: Match) -> bool:
    """Whether the facts answer at once; otherwise a person does."""
    return not match.caution and match.confidence >= THRESHOLD and bool(match.words)


def _explain(text: str, title: str, facts: Sequence[KnownFact]) -> int:
    """Percent of a text's content that some facts explain."""
    latin, han = _keywords(text, facts)
    if not latin and not han:
        return 0
    known = STOP_WORDS | set(WORD.findall(title))
    words = [word for word in WORD.findall(text) if word not in known]
    hits = sum(1 for word in words if latin and word.startswith(tuple(latin)))
    rest, covered = text, 0
    for phrase in sorted(han, key=len, reverse=True):
        covered += rest.count(phrase) * len(phrase)
        rest = rest.replace(phrase, " ")
    for phrase in (*STOP_PHRASES, *_title_pieces(title)):
        rest = rest.replace(phrase, " ")
    left = len(HAN.findall(rest))
    # A Chinese word has about two characters.
    whole = len(words) + (covered + left) / 2
    return round(100 * (hits + covered / 2) / whole) if whole else 0


def _keywords(text: str, facts: Sequence[KnownFact]) -> tuple[set[str], set[str]]:
    """The words of those facts that are asked for by an anchor: beginnings of English words, Chinese phrases."""
    latin: set[str] = set()
    han: set[str] = set()
    words = WORD.findall(text)
    for fact in facts:
        own = [keyword.lower() for keyword in fact.keywords if keyword.strip()]
        anchors = ANCHORS.get(fact.key, ((), ()))
        starts = (*anchors[0], *(word for keyword in own for word in WORD.findall(keyword)))
        phrases = (*anchors[1], *(keyword for keyword in own if HAN.search(keyword)))
        is_asked = any(starts and word.startswith(starts) for word in words) or any(
            p in text for p in phrases
        )
        if is_asked:
            more = TOPICS.get(fact.key, ((), ()))
            latin.update(starts, more[0])
            han.update(phrases, more[1])
    return latin, han


def _title_pieces(title: str) -> list[str]:
    """A Chinese title's runs and pairs of characters, the longest first: a question names goods in part."""
    runs = re.findall(r"[\u3400-\u9fff]{2,}", title)
    pairs = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
    return sorted({*runs, *pairs}, key=len, reverse=True)
