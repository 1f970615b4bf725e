"""A project with all contrib applications and its own models: migrations, inspectdb, the admin over HTTP, the ORM, back to nothing."""

import datetime as dt
import decimal
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
SETTINGS = f"""
SECRET_KEY = "x" * 50
USE_TZ, ALLOWED_HOSTS, ROOT_URLCONF, STATIC_URL, SITE_ID = True, ["testserver"], "urls", "s/", 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = ["django.contrib." + a for a in "admin auth contenttypes sessions messages sites flatpages redirects".split()] + ["shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [dict(BACKEND="django.template.backends.django.DjangoTemplates", APP_DIRS=True, OPTIONS=dict(context_processors=["django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]))]
DATABASES = dict(default=dict(ENGINE="django.db.backends.postgresql", HOST="{url.hostname}", PORT={url.port}, USER="{url.username}", NAME="{url.path[1:]}"))
CACHES = dict(default=dict(BACKEND="django.core.cache.backends.db.DatabaseCache", LOCATION="my_cache"))
"""
MODELS = """
import uuid
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

class Author(models.Model):
    name = models.CharField(max_length=50, db_comment="whole")
    born = models.DateField(null=True)
    friends = models.ManyToManyField("self", blank=True)
    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="same_name")]
        indexes = [models.Index(fields=["-born", "name"], name="by_born", include=["id"]), models.Index(Lower("name").desc(), name="by_lower", condition=Q(born__isnull=False))]

class Book(models.Model):
    uuid = models.UUIDField(null=True, default=uuid.uuid4); title = models.CharField(max_length=100, unique=True); slug = models.SlugField(); text = models.TextField(db_default="none")
    author = models.ForeignKey(Author, models.CASCADE, related_name="books"); editors = models.ManyToManyField(Author, through="Edits", related_name="+")
    price = models.DecimalField(max_digits=8, decimal_places=2); gross = models.GeneratedField(expression=F("price") * 2, output_field=models.DecimalField(max_digits=9, decimal_places=2), db_persist=True)
    rating = models.FloatField(default=0); stock = models.PositiveSmallIntegerField(default=0); big = models.BigIntegerField(default=2**60); sold = models.BooleanField(default=False)
    data = models.JSONField(default=dict); made = models.DateTimeField(db_default=Now()); takes = models.DurationField(null=True); at = models.TimeField(null=True)
    raw = models.BinaryField(default=b""); ip = models.GenericIPAddressField(null=True); file = models.FileField(blank=True)
    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="price_positive"), models.UniqueConstraint(fields=["author", "slug"], condition=Q(sold=False), name="open_slug"),
                       models.UniqueConstraint(fields=["uuid"], name="once", nulls_distinct=False, deferrable=None), models.UniqueConstraint(fields=["title", "author"], name="late", deferrable=models.Deferrable.DEFERRED)]

class Edits(models.Model):
    book = models.ForeignKey(Book, models.CASCADE); author = models.ForeignKey(Author, models.PROTECT); since = models.DateField(auto_now_add=True)
"""
ADMIN = "from django.contrib import admin; from shop.models import *; admin.site.register(Author, search_fields=['name'], list_filter=['born'], date_hierarchy='born'); admin.site.register(Book)"


def manage(*words, quiet=False):
    done = subprocess.run([sys.executable, "-m", "django", *words], capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=".", DJANGO_SETTINGS_MODULE="settings"))
    print("manage", *words, "->", done.returncode, "" if quiet else done.stdout + done.stderr, flush=True)


Path("settings.py").write_text(SETTINGS)
Path("urls.py").write_text("from django.contrib import admin; from django.urls import path; urlpatterns = [path('admin/', admin.site.urls)]")
Path("shop").mkdir()
for name, text in (("__init__", ""), ("models", MODELS), ("admin", ADMIN)):
    Path(f"shop/{name}.py").write_text(text)
for words in ("check --database default", "makemigrations shop", "sqlmigrate shop 0001", "migrate", "createcachetable", "makemigrations --check", "showmigrations"):
    manage(*words.split())
subprocess.run([os.environ["DUMP"]], check=True)
manage("inspectdb", "--include-partitions", "--include-views")
Path("shop/models.py").write_text(MODELS.replace("max_length=50", "max_length=70").replace("null=True)\n    friends", "default='2000-01-01')\n    age = models.IntegerField(default=7)\n    friends").replace("sold = models.BooleanField(default=False)", "state = models.CharField(max_length=3, default='new')").replace("sold=False", "state='new'").replace("rating = models.FloatField(default=0)", "rating = models.DecimalField(max_digits=5, decimal_places=1, default=1, db_index=True)").replace("text = models.TextField", "body = models.TextField"))
manage("makemigrations", "shop", "--noinput", "-n", "second")
for words in ("sqlmigrate shop 0002", "migrate", "migrate shop 0001", "sqlmigrate shop 0002 --backwards", "migrate"):
    manage(*words.split())
sys.path.insert(0, ".")
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django

django.setup()
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import IntegrityError, connection, models as m, transaction
from django.db.models import functions as f
from django.test import Client
from shop.models import Author, Book, Edits

User.objects.create_superuser("root", "r@example.org", "pw")
web = Client()
print(web.login(username="root", password="pw"), Permission.objects.count())
print(web.post("/admin/shop/author/add/", {"name": "Ann", "born": "1970-01-02", "age": 5, "friends": []}).status_code, Author.objects.values_list("name", "age"))
author = Author.objects.get()
for page in ("", "shop/author/", "shop/author/?q=an", "shop/author/?born__gte=1960-01-01&born__lt=1980-01-01", f"shop/author/{author.pk}/change/", f"shop/author/{author.pk}/history/", "auth/user/"):
    print(page, web.get("/admin/" + page).status_code)
others = Author.objects.bulk_create([Author(name=f"Author {n}", born=dt.date(1950 + n, 1 + n, 1)) for n in range(8)])
Book.objects.bulk_create([Book(title=f"Book {n}", slug=f"b{n}", author=others[n % 4], price=decimal.Decimal(n) / 3, stock=n, data={"n": n, "tags": ["x"] * (n % 3), "deep": {"k": None}}, takes=dt.timedelta(hours=n), at=dt.time(n), ip=f"10.0.0.{n}", raw=bytes([n])) for n in range(12)])
books = Book.objects.order_by("pk")
show = lambda query: print(list(query), flush=True)
show(books.filter(data__tags__0="x", data__n__gt=3, author__name__iendswith="1").values_list("title", "gross", "data__deep__k"))
show(books.filter(data__contains={"deep": {"k": None}}, data__has_key="n", data__deep__k=None).annotate(s=f.Concat("title", m.Value("!"), f.Cast("price", m.CharField())), d=m.F("takes") + dt.timedelta(days=1)).values_list("s", "d")[:3])
show(Author.objects.annotate(n=m.Count("books"), total=f.Coalesce(m.Sum("books__price", filter=m.Q(books__stock__gt=2)), decimal.Decimal(0)), sd=m.StdDev("books__stock")).filter(n__gt=0).order_by("-total").values_list("name", "n", "total", "sd"))
show(books.annotate(r=m.Window(f.Rank(), partition_by="author", order_by=m.F("price").desc()), lag=m.Window(f.Lag("price", 2, default=decimal.Decimal(-1)), order_by="pk")).filter(r=1).values_list("title", "r", "lag"))
show(Author.objects.annotate(last=m.Subquery(Book.objects.filter(author=m.OuterRef("pk")).order_by("-pk").values("title")[:1]), has=m.Exists(Book.objects.filter(author=m.OuterRef("pk"), stock__gt=9))).order_by("pk").values_list("name", "last", "has"))
show(Author.objects.annotate(y=f.TruncYear("born"), q=f.ExtractQuarter("born"), w=f.ExtractIsoWeekDay("born"), l=f.Length(f.Upper(f.Trim("name"))), x=f.MD5("name"), p=f.LPad("name", 12, m.Value("*")), g=f.Greatest("age", 6), c=m.Case(m.When(born__year__lt=1952, then=m.Value("old")), default=m.Value("new"))).order_by("pk").values_list("y", "q", "w", "l", "x", "p", "g", "c")[:3])
show(books.annotate(k=f.Round("price", 1), s=f.Sqrt("stock"), m=f.Mod("stock", 5), h=f.TruncHour("at"), a=f.Now() - f.Now(), j=f.JSONObject(t="title", p="price"), n=f.NullIf("slug", m.Value("b1"))).values_list("k", "s", "m", "h", "a", "j", "n")[:3])
show(books.filter(title__regex=r"^B.*[37]$").union(books.filter(title__icontains="K 1"), books.filter(title__in=["Book 5"])).values_list("title").order_by("title"))
show(books.filter(ip__startswith="10.0", at__hour__gte=5, takes__gt=dt.timedelta(hours=6)).exclude(author__in=others[:2]).reverse().values_list("title", "ip"))
print(books.filter(stock__lt=3).update(stock=m.F("stock") + 10, data=f.JSONObject(was=m.F("stock"))), books.select_related("author").prefetch_related("editors").select_for_update(of=("self",)).count())
Book.objects.bulk_create([Book(pk=books[0].pk, title="Book 0", slug="zz", author=author, price=1)], update_conflicts=True, unique_fields=["pk"], update_fields=["slug"])
print(books[0].slug, Book.objects.aggregate(m.Avg("price"), m.Max("big"), m.Count("pk", distinct=True)), Book.objects.update_or_create(title="Book 1", defaults={"stock": 77})[1], Author.objects.get_or_create(name="Zed")[1])
for wrong in (lambda: Author.objects.create(name="ANN"), lambda: Book.objects.create(pk=5000, price=-1, author=author, uuid=None, made='2020-01-01T00:00:00Z'), lambda: Edits.objects.create(book_id=9999, author=author), lambda: Book.objects.create(title="Book 2", slug="q", author=author, price=1), lambda: Book.objects.create(title="t" * 101, slug="q", author=author, price=1)):
    try:
        with transaction.atomic():
            wrong()
    except Exception as error:
        print(type(error).__name__, error)
cache.set("a", {"b": 1}, 60), cache.add("a", 2), cache.set_many({f"k{n}": n for n in range(5)}), cache.incr("k3", 4)
print(cache.get_many(["a", "k3", "none"]), connection.introspection.table_names(), connection.pg_version // 10000)
print(web.post(f"/admin/shop/author/{others[1].pk}/delete/", {"post": "yes"}).status_code, Author.objects.filter(pk=others[0].pk).delete(), Book.objects.count())
manage("dumpdata", "shop.author", "auth.user", "--format", "jsonl", quiet=True)
manage("flush", "--noinput")
for words in ("migrate shop zero", "migrate auth zero", "sqlsequencereset sites"):
    manage(*words.split())
