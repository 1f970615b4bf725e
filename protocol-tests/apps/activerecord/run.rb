# Migrations up and down, the schema's dump loaded again, then models: associations, enums, JSON, ranges, locking.
require "active_record"
require "stringio"
include ActiveRecord
Base.establish_connection(ARGV[0])
Migration.verbose = false
Base.default_timezone = :utc
def show(what, value) = puts("#{what} #{value.inspect.gsub(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[\d. +:UTC-]*/, "TIME")}")
def dump = StringIO.new.tap { |out| SchemaDumper.dump(Base.connection, out) }.string

class First < Migration[6.1]
  def change
    enable_extension "pgcrypto"
    create_table(:authors, comment: "who writes") { |t| t.string :name, null: false, limit: 60; t.text :tags, array: true, default: []; t.jsonb :data, null: false, default: {}; t.decimal :money, precision: 10, scale: 2; t.date :born; t.inet :ip; t.int4range :span; t.tsrange :when; t.interval :wait; t.binary :photo; t.bigint :big; t.boolean :ok, default: true; t.uuid :key, default: -> { "gen_random_uuid()" }; t.point :place; t.bit :bits, limit: 4; t.integer :kind, default: 0; t.timestamps }
    create_table(:books, id: :uuid) { |t| t.string :title, collation: "C"; t.references :author, foreign_key: { on_delete: :cascade }, index: { name: "by_author" }; t.integer :pages, default: 10, comment: "how many"; t.integer :lock_version, default: 0; t.belongs_to :subject, polymorphic: true, type: :string; t.timestamps precision: 6; t.index "lower(title)", name: "lower_title", unique: true, where: "pages > 0"; t.check_constraint "pages >= 0", name: "enough" }
    create_join_table(:authors, :genres) { |t| t.index [:author_id, :genre_id], unique: true }
    create_table(:genres) { |t| t.string :name, index: { order: { name: :desc }, using: :btree } }
    add_index :authors, :tags, using: :gin
    add_index :authors, [:name, :born], order: { born: "DESC NULLS LAST" }, opclass: { name: :varchar_pattern_ops }
  end
end
class Second < Migration[6.1]
  disable_ddl_transaction!
  def up
    add_column :authors, :nick, :string, default: "it's", null: false
    rename_column :authors, :ok, :fine
    change_column :authors, :name, :text
    change_column :authors, :big, :string, using: "big::text"
    change_column_default :authors, :kind, from: 0, to: 1
    change_column_null :authors, :money, false, 0
    change_column_comment :authors, :born, "when"
    add_index :books, :pages, algorithm: :concurrently
    add_foreign_key :authors_genres, :genres, validate: false
    validate_foreign_key :authors_genres, :genres
    rename_index :authors, "index_authors_on_tags", "tags_of_authors"
    execute "create view titles as select id, title from books"
    execute "create type mood as enum ('ok', 'bad')"
    add_column :genres, :mood, :mood, default: "ok"
    rename_table :genres, :kinds
  end
  def down
    rename_table :kinds, :genres
    remove_column :genres, :mood
    execute "drop type mood"
    execute "drop view titles"
    rename_index :authors, "tags_of_authors", "index_authors_on_tags"
    remove_foreign_key :authors_genres, :genres
    remove_index :books, :pages, algorithm: :concurrently
    change_column_null :authors, :money, true
    change_column :authors, :big, :bigint, using: "big::bigint"
    change_column :authors, :name, :string, limit: 60
    rename_column :authors, :fine, :ok
    remove_column :authors, :nick
  end
end
class Author < Base
  has_many :books, dependent: :destroy, inverse_of: :author
  has_and_belongs_to_many :kinds, join_table: "authors_genres", association_foreign_key: "genre_id"
  enum kind: { person: 1, group: 2 }, _prefix: true
  scope :rich, -> { where("money > ?", 5) }
  store_accessor :data, :theme
  validates :name, uniqueness: true
end
class Book < Base
  belongs_to :author, counter_cache: false, optional: true
end
class Kind < Base; end
class Title < Base; self.primary_key = :id; end

migrations = [["1", First], ["2", Second]]
SchemaMigration.create_table; InternalMetadata.create_table
run = ->(version, klass, way) { klass.new.exec_migration(Base.connection, way) ; way == :up ? SchemaMigration.create!(version: version) : SchemaMigration.find_by(version: version).destroy }
migrations.each { |v, k| run.(v, k, :up) }
puts dump
migrations.reverse_each { |v, k| run.(v, k, :down) }
puts "down", dump
migrations.each { |v, k| run.(v, k, :up) }
show "tables", Base.connection.tables.sort
show "views", Base.connection.views
Base.descendants.each { |m| m.reset_column_information rescue nil }

ann = Author.create!(name: "Ann", tags: ["a", "b,c"], data: { x: [1, nil] }, money: "12.5", born: "1990-02-03", ip: "10.0.0.0/8", span: 1...5, wait: 90.minutes, photo: "\x00\xff".b, big: "77", place: [1, 2.5], bits: "1010", kind: :group, theme: "dark")
show "read", Author.find(ann.id).attributes.except("key", "photo").sort
ann.books.create!([{ title: "One", pages: 3 }, { title: "Two" }])
ann.kinds << Kind.new(name: "k")
show "types", Author.columns.map { |c| [c.name, c.sql_type, c.type, c.default, c.null, c.array, c.comment] }
show "includes", Author.includes(:books, :kinds).where(books: { title: %w[One Two] }).order("books.title").references(:books).map { |a| [a.name, a.books.map(&:title), a.kinds.map(&:mood)] }
show "joins", Author.left_joins(:books).group(:name).having("count(*) > 1").count("books.id")
show "rich", [Author.rich.kind_group.exists?(["data ->> 'theme' = ?", "dark"]), Author.where("tags @> ARRAY[?]::text[]", ["a"]).pluck(:name), Author.where(span: 1...5).count, Author.where(wait: 90.minutes).count]
show "insert_all", Author.insert_all([{ name: "b", created_at: Time.now, updated_at: Time.now, money: 1 }, { name: "c", created_at: Time.now, updated_at: Time.now, money: 2 }], returning: %w[id name]).rows
show "upsert", Author.upsert({ id: ann.id, name: "Anna", money: 3, created_at: Time.now, updated_at: Time.now }, returning: :name).rows
book = ann.books.order(:title).first; stale = Book.find(book.id); book.update!(pages: 4)
show "stale", (stale.update(pages: 5) rescue $!.class)
show "calc", [Author.sum(:money), Author.average(:money), Book.maximum(:pages), Author.where.not(name: "b").order(Arel.sql("money desc nulls last")).limit(1).offset(1).ids]
show "batches", Author.find_each(batch_size: 2).map(&:name)
show "merge", Book.where(author: Author.where(name: "Anna")).or(Book.where(pages: 4)).order(:title).pluck(:title, Arel.sql("length(title)"))
show "lock", Author.transaction { Author.lock("FOR UPDATE SKIP LOCKED").order(:id).first.name }
Author.transaction { Author.create!(name: "gone", money: 0); Author.transaction(requires_new: true) { Author.create!(name: "in", money: 0); raise Rollback }; raise Rollback }
show "rollback", [Author.where(name: %w[gone in]).count, Author.transaction(isolation: :serializable) { Author.count }]
{ unique: -> { Book.create!(title: "one") }, null: -> { Author.insert!({ name: nil, created_at: Time.now, updated_at: Time.now }) }, check: -> { Book.create!(title: "x", pages: -1) }, key: -> { Book.create!(title: "y", author_id: 99) }, range: -> { Base.connection.execute("select 100000::smallint") }, statement: -> { Base.connection.execute("select nope") } }.each { |n, f| show n, ((f.call; "no error") rescue [$!.class, $!.message.lines.first]) }
show "explain", Author.where(id: 1).explain.lines.first
show "prepared", Base.connection.select_value("select $1::int + 1", "x", [Relation::QueryAttribute.new("n", 41, Type::Integer.new)])
show "advisory", [Base.connection.get_advisory_lock(7), Base.connection.release_advisory_lock(7)]
show "destroy", [ann.reload.destroy.name, Book.count, Title.count]
Base.connection.reset_pk_sequence!("authors"); show "next", Author.create!(name: "n", money: 0).id
Base.connection.truncate_tables("authors", "books"); show "keys", Base.connection.foreign_keys("books").map { |k| [k.name, k.on_delete] }
Base.connection.remove_column(:kinds, :mood); text = dump; Base.connection.execute("drop schema public cascade; create schema public")
Base.connection.schema_cache.clear!
eval(text); puts(dump == text ? "loaded as dumped" : dump)
